export const deliveryTables = `
    create table deliveries(
      entity integer not null, revision integer not null, handler text not null, position integer not null, event_id text not null, delivery_id text not null,
      tenant text not null, entity_type text not null, type text not null, source text, status text not null, letter integer not null default 0,
      escalated integer not null default 0, attempts integer not null, retry_count integer not null default 0, cause text, error_type text,
      error_message text, next_attempt_at text, replay_id text, first_failed_at text, dead_lettered_at text, dead_lettered_position integer, processed_at text, chain text,
      error_group text, -- fingerprint of that of its last failure
      part integer, -- of a split event: the one that the rest is about
      calls integer not null default 0, -- that are on record, however many of them are kept
      ended_position integer, -- of the record of its final outcome; null again once the texts of its attempts are gone
      primary key (entity, revision, handler)
    ) strict, without rowid;
    create index deliveries_by_status on deliveries(status, position);
    create index deliveries_by_handler on deliveries(handler, tenant, status, position, type);
    create index deliveries_by_event on deliveries(event_id);
    create index deliveries_by_id on deliveries(delivery_id);
    create index letters_by_tenant on deliveries(tenant, position, handler) where letter = 1;
    create index letters_by_handler on deliveries(handler, tenant, position) where letter = 1;
    create index letters_by_type on deliveries(tenant, type, position) where letter = 1;
    create index letters_by_source on deliveries(tenant, source, position) where letter = 1;
    create index letters_by_error on deliveries(tenant, error_type, error_message, position) where letter = 1;
    create index letters_by_group on deliveries(tenant, error_group, position) where letter = 1;
    create index letters_by_time on deliveries(tenant, dead_lettered_at) where letter = 1;
    create index letters_by_age on deliveries(handler, dead_lettered_at) where letter = 1 and status <> 'failed';
    create index letters_by_replay on deliveries(replay_id, position) where letter = 1 and replay_id is not null;
    create index letters_retried on deliveries(replay_id, handler) where letter = 1 and status = 'failed';
    create index deliveries_with_texts on deliveries(handler, ended_position) where ended_position is not null;
    create index retries_by_lane on deliveries(handler, entity, revision) where status = 'failed' and letter = 0;
`;
