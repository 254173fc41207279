-- What a desk handled last: how long that took tells those who wait how long they will.
create index contact_handled on contact (domain_id, desk_id, ended_at) where state = 'ended' and connected_at is not null;
