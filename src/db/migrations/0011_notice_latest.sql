-- The pace of a notice so far is told by its contacts that were over last.
create index contact_notice_ended on contact (domain_id, notice_id, ended_at) where notice_id is not null and ended_at is not null;
