-- Voicemail is a contact of its own: what is under way when this version begins has no recording.

update contact set doc = (jsonb_build_object('message', null) || doc::jsonb)::json where ended_at is null;
