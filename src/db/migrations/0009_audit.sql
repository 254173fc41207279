-- Forced changes of agents' states are few among millions of events, and the last of them are on every supervisor's screen.

create index event_forced on event (domain_id, at) where name = 'agentForced';
