/// The isolation test itself, in SQL: it is generated from the catalogue, so that a table is covered the moment it exists.
///
/// Needs a superuser's session and an open transaction that is rolled back afterwards. Fills `pg_temp.finding`; no row, no leak.
enum IsolationMatrix {
    static let sql = #"""
        -- Two tenants with the same keys in every table; then everything that one could try on the other's rows.
        CREATE TEMP TABLE finding (object text, rule text, detail text);
        GRANT ALL ON pg_temp.finding TO PUBLIC;

        CREATE FUNCTION pg_temp.literal(p_table regclass, p_column name, p_type text, p_attnum int, p_variant int) RETURNS text
        LANGUAGE plpgsql AS $f$
        DECLARE
            v_check text;
            v_value text;
        BEGIN
            -- The first value that a check allows.
            SELECT pg_get_constraintdef(k.oid) INTO v_check FROM pg_constraint k
             WHERE k.conrelid = p_table AND k.contype = 'c' AND pg_get_constraintdef(k.oid) ~ ('\(\(?' || p_column || ' = ANY')
             LIMIT 1;
            v_value := substring(v_check FROM '''([^'']*)''');
            IF v_value IS NOT NULL THEN
                RETURN quote_literal(v_value);
            END IF;
            RETURN CASE
                WHEN p_type = 'uuid' THEN format('''%s-0000-4000-8000-%s''', lpad(p_variant::text, 8, '0'), lpad(p_attnum::text, 12, '0'))
                WHEN p_type IN ('text', 'character varying') THEN format('''v%s''', p_variant)
                WHEN p_type IN ('jsonb', 'json') THEN '''{}'''
                WHEN p_type = 'bytea' THEN format('''\x%s''', lpad(p_variant::text, 2, '0'))
                WHEN p_type = 'boolean' THEN 'true'
                WHEN p_type LIKE 'timestamp%' THEN format('''2026-01-0%s''', p_variant)
                WHEN p_type = 'xid8' THEN format('''%s''', p_variant)
                WHEN p_type = 'date' THEN format('''2026-01-0%s''', p_variant)
                WHEN p_type LIKE '%[]' THEN '''{}'''
                ELSE p_variant::text END;
        END $f$;

        -- The INSERT of one row of a table. p_fixed: columns that get the variant p_fixed_variant (a foreign key under test).
        CREATE FUNCTION pg_temp.insertion(p_table regclass, p_tenant uuid, p_variant int, p_fixed smallint[], p_fixed_variant int)
        RETURNS text LANGUAGE sql AS $f$
            SELECT format('INSERT INTO %s (%s) VALUES (%s)', p_table, string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum),
                          string_agg(CASE WHEN a.attname = 'tenant_id' THEN quote_literal(p_tenant)
                                          WHEN p_table = 'app.tenants'::regclass AND a.attname = 'instance_name'
                                               THEN quote_literal('i' || left(p_tenant::text, 1) || p_variant)
                                          ELSE pg_temp.literal(p_table, a.attname, format_type(a.atttypid, a.atttypmod), a.attnum,
                                                   CASE WHEN a.attnum = ANY (p_fixed) THEN p_fixed_variant
                                                        WHEN EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conrelid = p_table
                                                                        AND k.contype = 'f' AND a.attnum = ANY (k.conkey))
                                                             AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conrelid = p_table
                                                                        AND k.contype = 'p' AND a.attnum = ANY (k.conkey)) THEN 1
                                                        ELSE p_variant END) END,
                                     ', ' ORDER BY a.attnum))
              FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
             WHERE a.attrelid = p_table AND a.attnum > 0 AND NOT a.attisdropped AND a.attidentity = '' AND a.attgenerated = ''
               AND (a.attname = 'tenant_id' OR (a.attnotnull AND (d.oid IS NULL OR format_type(a.atttypid, a.atttypmod) = 'uuid'))
                    OR EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = p_table AND i.indisunique AND a.attnum = ANY (i.indkey::smallint[])
                                  AND d.oid IS NULL)
                    OR a.attnum = ANY (p_fixed))
        $f$;

        CREATE FUNCTION pg_temp.tables() RETURNS SETOF regclass LANGUAGE sql AS $f$
            SELECT c.oid::regclass FROM pg_class c
              JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
             WHERE c.relnamespace = 'app'::regnamespace AND c.relkind IN ('r', 'p') ORDER BY c.relname
        $f$;

        -- What a statement ends with: its row count, or its SQLSTATE.
        CREATE FUNCTION pg_temp.attempt(p_sql text) RETURNS text LANGUAGE plpgsql AS $f$
        DECLARE
            v_rows bigint;
        BEGIN
            EXECUTE p_sql;
            GET DIAGNOSTICS v_rows = ROW_COUNT;
            RETURN v_rows::text;
        EXCEPTION WHEN OTHERS THEN
            RETURN SQLSTATE;
        END $f$;

        CREATE FUNCTION pg_temp.note(p_object text, p_rule text, p_got text, p_want text) RETURNS void LANGUAGE sql AS $f$
            INSERT INTO finding SELECT p_object, p_rule, coalesce(p_got, 'NULL') WHERE p_got IS DISTINCT FROM p_want
        $f$;

        CREATE FUNCTION pg_temp.counted(p_sql text) RETURNS text LANGUAGE plpgsql AS $f$
        DECLARE
            v_rows bigint;
        BEGIN
            EXECUTE 'SELECT count(*) FROM (' || p_sql || ') q' INTO v_rows;
            RETURN v_rows::text;
        EXCEPTION WHEN OTHERS THEN
            RETURN SQLSTATE;
        END $f$;

        CREATE FUNCTION pg_temp.seed() RETURNS void LANGUAGE plpgsql AS $f$
        DECLARE
            a CONSTANT uuid := 'aaaaaaaa-0000-4000-8000-000000000000';
            b CONSTANT uuid := 'bbbbbbbb-0000-4000-8000-000000000000';
            t regclass;
        BEGIN
        -- Seeded without foreign keys, which are tried one by one below.
            SET LOCAL session_replication_role = replica;
            FOR t IN SELECT * FROM pg_temp.tables() LOOP
                PERFORM pg_temp.note(t::text, 'the first tenant''s row', pg_temp.attempt(pg_temp.insertion(t, a, 1, NULL, 1)), '1');
                PERFORM pg_temp.note(t::text, 'the same keys for another tenant', pg_temp.attempt(pg_temp.insertion(t, b, 1, NULL, 1)), '1');
                -- What foreign keys of B must not reach.
                PERFORM pg_temp.attempt(pg_temp.insertion(t, a, 2, NULL, 1));
            END LOOP;
            SET LOCAL session_replication_role = origin;
        END $f$;

        CREATE FUNCTION pg_temp.matrix() RETURNS void LANGUAGE plpgsql AS $f$
        DECLARE
            a CONSTANT uuid := 'aaaaaaaa-0000-4000-8000-000000000000';
            b CONSTANT uuid := 'bbbbbbbb-0000-4000-8000-000000000000';
            t regclass;
            r text;
            c name;
            k record;
            v text;
        BEGIN
            PERFORM pg_temp.seed();

        -- The owner is not exempt, but from the directory, which the definer of the Host look-up reads.
            SET LOCAL ROLE charles_owner;
            FOR t IN SELECT * FROM pg_temp.tables() LOOP
                CONTINUE WHEN EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = t AND 'charles_resolver'::regrole = ANY (p.polroles));
                PERFORM pg_temp.note(t::text, 'the owner sees rows', pg_temp.counted('SELECT 1 FROM ' || t), '0');
            END LOOP;

            SET LOCAL ROLE charles_app;
            -- No tenant: an error, not an empty answer.
            FOR t IN SELECT * FROM pg_temp.tables() LOOP
                CONTINUE WHEN NOT has_any_column_privilege('charles_app', t, 'SELECT');
                PERFORM pg_temp.note(t::text, 'a read without a tenant', pg_temp.counted('SELECT tenant_id FROM ' || t),
                                     CASE WHEN has_column_privilege('charles_app', t, 'tenant_id', 'SELECT') THEN '28000' ELSE '42501' END);
            END LOOP;
            PERFORM app.enter_tenant(b);
            FOR t IN SELECT * FROM pg_temp.tables() LOOP
                IF has_any_column_privilege('charles_app', t, 'SELECT') THEN
                    PERFORM pg_temp.note(t::text, 'B reads A', pg_temp.counted(format('SELECT tenant_id FROM %s WHERE tenant_id = %L', t, a)), '0');
                    PERFORM pg_temp.note(t::text, 'B reads its own and nothing else', pg_temp.counted('SELECT tenant_id FROM ' || t), '1');
                END IF;
                IF has_table_privilege('charles_app', t, 'INSERT') THEN
                    PERFORM pg_temp.note(t::text, 'B inserts for A', pg_temp.attempt(pg_temp.insertion(t, a, 3, NULL, 1)), '42501');
                END IF;
                IF has_table_privilege('charles_app', t, 'DELETE') THEN
                    PERFORM pg_temp.note(t::text, 'B deletes of A', pg_temp.attempt(format('DELETE FROM %s WHERE tenant_id = %L', t, a)), '0');
                END IF;
                SELECT x.attname INTO c FROM pg_attribute x WHERE x.attrelid = t AND x.attnum > 0 AND NOT x.attisdropped
                   AND x.attgenerated = '' AND x.attidentity = '' AND has_column_privilege('charles_app', t, x.attnum, 'UPDATE') LIMIT 1;
                IF c IS NOT NULL AND has_column_privilege('charles_app', t, 'tenant_id', 'SELECT') THEN
                    PERFORM pg_temp.note(t::text, 'B updates A', pg_temp.attempt(format('UPDATE %s SET %I = %I WHERE tenant_id = %L', t, c, c, a)), '0');
                END IF;
                IF has_column_privilege('charles_app', t, 'tenant_id', 'UPDATE') THEN
                    PERFORM pg_temp.note(t::text, 'B gives a row to A', pg_temp.attempt(format('UPDATE %s SET tenant_id = %L', t, a)), '42501');
                END IF;
                PERFORM pg_temp.note(t::text, 'B truncates', pg_temp.attempt('TRUNCATE ' || t), '42501');
                c := NULL;
            END LOOP;
            -- Views that the service may read.
            FOR t IN SELECT x.oid::regclass FROM pg_class x WHERE x.relkind IN ('v', 'm') AND x.relnamespace::regnamespace::text IN ('app', 'public', 'reporting', 'reporting_all')
                        AND has_any_column_privilege('charles_app', x.oid, 'SELECT')
                        AND EXISTS (SELECT 1 FROM pg_attribute y WHERE y.attrelid = x.oid AND y.attname = 'tenant_id') LOOP
                PERFORM pg_temp.note(t::text, 'B reads A through a view', pg_temp.counted(format('SELECT 1 FROM %s WHERE tenant_id = %L', t, a)), '0');
            END LOOP;
            -- A child of B cannot hang on a parent of A.
            FOR k IN SELECT x.* FROM pg_constraint x JOIN pg_attribute y ON y.attrelid = x.confrelid AND y.attname = 'tenant_id'
                      WHERE x.contype = 'f' AND x.connamespace = 'app'::regnamespace AND x.confrelid <> 'app.tenants'::regclass
                        AND has_table_privilege('charles_app', x.conrelid, 'INSERT') LOOP
                v := pg_temp.attempt(pg_temp.insertion(k.conrelid, b, 3, k.conkey, 2));
                PERFORM pg_temp.note(k.conrelid::text || ' ' || k.conname, 'B hangs on a parent of A', v, '23503');
            END LOOP;
            PERFORM pg_temp.note('app.enter', 'B becomes A in the same transaction', pg_temp.attempt(format('SELECT app.enter(%L)', a)), '28000');
            PERFORM pg_temp.note('app.enter_tenant', 'B becomes A in the same transaction', pg_temp.attempt(format('SELECT app.enter_tenant(%L)', a)), '28000');
            PERFORM pg_temp.note('app.enter_tenant', 'B becomes nobody', pg_temp.attempt('SELECT app.enter_tenant(NULL)'), '28000');
            SET LOCAL ROLE NONE;
            RESET app.tenant;

            -- The inbox sees and writes the tenants it named.
            PERFORM app.enter_tenants(ARRAY[b]);
            FOR t IN SELECT * FROM pg_temp.tables() LOOP
                IF has_any_column_privilege('charles_inbox', t, 'SELECT') THEN
                    PERFORM pg_temp.note(t::text, 'the inbox of B reads A', pg_temp.counted(format('SELECT tenant_id FROM %s WHERE tenant_id = %L', t, a)), '0');
                END IF;
                IF has_table_privilege('charles_inbox', t, 'INSERT') THEN
                    PERFORM pg_temp.note(t::text, 'the inbox of B inserts for A', pg_temp.attempt(pg_temp.insertion(t, a, 3, NULL, 1)), '42501');
                END IF;
                PERFORM pg_temp.note(t::text, 'the inbox deletes', pg_temp.attempt(format('DELETE FROM %s WHERE tenant_id = %L', t, b)), '42501');
            END LOOP;
            SET LOCAL ROLE NONE;

            -- Roles that see several tenants see no people.
            FOREACH r IN ARRAY ARRAY['charles_dispatch', 'charles_operator', 'charles_resolver', 'reporting_all'] LOOP
                EXECUTE format('SET LOCAL ROLE %I', r);
                FOR t IN SELECT x FROM pg_temp.tables() x WHERE x::text IN ('app.contacts', 'app.contact_identifiers', 'app.consents',
                            'app.consent_entries', 'app.orders', 'app.order_items', 'app.touches', 'app.flow_runs', 'app.import_rejections',
                            'app.segment_members', 'app.webhook_secrets', 'app.merges', 'app.suppressions') LOOP
                    PERFORM pg_temp.note(t::text, r || ' reads people', pg_temp.counted('SELECT * FROM ' || t), '42501');
                END LOOP;
                PERFORM pg_temp.note('app.events', r || ' reads bodies', pg_temp.counted('SELECT body FROM app.events'), '42501');
                PERFORM pg_temp.note('app.deliveries', r || ' reads bodies', pg_temp.counted('SELECT body FROM app.deliveries'), '42501');
                PERFORM pg_temp.note('app.connections', r || ' reads secrets', pg_temp.counted('SELECT secret FROM app.connections'), '42501');
                SET LOCAL ROLE NONE;
            END LOOP;
            -- A reporting group without a login sees nothing.
            SET LOCAL ROLE charles_report;
            FOR t IN SELECT x.oid::regclass FROM pg_class x WHERE x.relkind = 'v' AND x.relnamespace = 'reporting'::regnamespace LOOP
                PERFORM pg_temp.note(t::text, 'reporting without a login of a tenant', pg_temp.counted('SELECT 1 FROM ' || t), '0');
            END LOOP;
            SET LOCAL ROLE NONE;
        END $f$;
        """#
}
