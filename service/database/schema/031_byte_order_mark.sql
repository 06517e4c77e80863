-- Whether a workspace's CSV files begin with a byte order mark where an order says nothing; NULL: as their profile
-- has it. Jobs have it in their specification.
ALTER TABLE verbatim.workspace ADD COLUMN byte_order_mark boolean;

-- A column more than an earlier version of the program asks for by name.
DROP FUNCTION verbatim.key_about(text);
CREATE FUNCTION verbatim.key_about(wanted text)
    RETURNS TABLE (user_email text, name text, time_zone text, source_id text, csv_profile text, delimiter text,
                   csv_quote text, byte_order_mark boolean)
    LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1 SET search_path = pg_catalog, pg_temp
    AS $$
        BEGIN
            RETURN QUERY
            SELECT k.user_email, k.name, w.time_zone, w.source_id, w.csv_profile, w.delimiter, w.csv_quote,
                w.byte_order_mark
            FROM verbatim.api_key AS k JOIN verbatim.workspace AS w ON w.workspace_id = k.workspace_id
            WHERE k.key_id = wanted AND k.key_id = current_setting('verbatim.key_id', true)
                AND k.revoked_at IS NULL;
        END
    $$;
CREATE OR REPLACE FUNCTION verbatim.workspace_change(changes jsonb, usual_retention bigint,
    usual_link_ttl bigint) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
        DECLARE
            here text := current_setting('verbatim.workspace_id');
            kept verbatim.workspace;
        BEGIN
            IF verbatim.key_manager() IS NULL THEN
                RETURN NULL;
            END IF;
            SELECT * INTO kept FROM verbatim.workspace AS w WHERE w.workspace_id = here FOR NO KEY UPDATE;
            IF changes ? 'retention' THEN
                kept.retention := (changes ->> 'retention')::bigint * interval '1 microsecond';
            END IF;
            IF changes ? 'link_ttl' THEN
                kept.link_ttl := (changes ->> 'link_ttl')::bigint * interval '1 microsecond';
            END IF;
            IF (changes ? 'retention' OR changes ? 'link_ttl')
                AND coalesce(kept.retention, usual_retention * interval '1 microsecond')
                    < coalesce(kept.link_ttl, usual_link_ttl * interval '1 microsecond') THEN
                RETURN 'short';
            END IF;
            UPDATE verbatim.workspace AS w
            SET retention = kept.retention, link_ttl = kept.link_ttl,
                name = CASE WHEN changes ? 'name' THEN coalesce(changes ->> 'name', '') ELSE w.name END,
                time_zone = coalesce(changes ->> 'time_zone', w.time_zone),
                csv_profile = coalesce(changes ->> 'csv_profile', w.csv_profile),
                delimiter = coalesce(changes ->> 'delimiter', w.delimiter),
                csv_quote = coalesce(changes ->> 'csv_quote', w.csv_quote),
                byte_order_mark = CASE WHEN changes ? 'byte_order_mark' THEN (changes ->> 'byte_order_mark')::boolean
                                       ELSE w.byte_order_mark END,
                max_running = CASE WHEN changes ? 'max_running' THEN (changes ->> 'max_running')::integer
                                   ELSE w.max_running END
            WHERE w.workspace_id = here;
            RETURN 'changed';
        END
    $$;
