-- One durable queue: a lane per tenant and kind of work gives fairness, a hard limit and the pause switch.
--
-- Job states: 0 ready (due now), 1 running (leased), 3 dead (given up, kept with its reason), 4 scheduled (due later).
-- Transitions: 4 -> 0 when due; 0 -> 1 claim; 1 -> deleted finish; 1 -> 4 or 0 retry; 1 -> 3 dead; 1 -> 0 lease expired; 3 -> 0 re-drive.
-- Scheduled rows stand apart from ready ones so that looking for work costs the same with ten tenants and ten thousand.
SET LOCAL ROLE charles_owner;

CREATE TABLE app.lanes (
    tenant_id uuid NOT NULL,
    queue text NOT NULL,
    max_running int NOT NULL DEFAULT 1,
    last_served timestamptz NOT NULL DEFAULT '-infinity',
    paused boolean NOT NULL DEFAULT false,
    not_before timestamptz NOT NULL DEFAULT '-infinity',
    PRIMARY KEY (tenant_id, queue)
) WITH (fillfactor = 50);
COMMENT ON COLUMN app.lanes.not_before IS 'Retry-After of the other side holds the whole lane, not one job.';

CREATE TABLE app.jobs (
    tenant_id uuid NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    queue text NOT NULL,
    kind text NOT NULL,
    args jsonb NOT NULL DEFAULT '{}',
    state smallint NOT NULL DEFAULT 0,
    priority smallint NOT NULL DEFAULT 1,
    run_at timestamptz NOT NULL DEFAULT now(),
    attempt smallint NOT NULL DEFAULT 0,
    max_attempts smallint NOT NULL DEFAULT 25,
    lease_until timestamptz,
    lease_token uuid,
    unique_key text,
    last_error text,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX jobs_ready ON app.jobs (queue, tenant_id, priority, run_at, id) WHERE state = 0;
CREATE INDEX jobs_running ON app.jobs (tenant_id, queue) WHERE state = 1;
CREATE INDEX jobs_lease ON app.jobs (lease_until) WHERE state = 1;
CREATE INDEX jobs_scheduled ON app.jobs (run_at) WHERE state = 4;
CREATE INDEX jobs_dead ON app.jobs (tenant_id, queue, id) WHERE state = 3;
-- At most one waiting job of a key. A running one does not count: work that arrives while a job runs needs another run.
CREATE UNIQUE INDEX jobs_unique ON app.jobs (tenant_id, queue, unique_key) WHERE unique_key IS NOT NULL AND state IN (0, 4);

SELECT app.isolate_all();
SELECT app.open_to_dispatch('app.lanes'), app.open_to_dispatch('app.jobs');
SELECT app.open_to_inbox('app.jobs');
CREATE POLICY operator ON app.lanes TO charles_operator USING (true) WITH CHECK (true);
CREATE POLICY operator ON app.jobs FOR SELECT TO charles_operator USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON app.lanes, app.jobs TO charles_app, charles_dispatch;
GRANT SELECT, INSERT ON app.jobs TO charles_inbox;
GRANT SELECT, INSERT, UPDATE, DELETE ON app.lanes TO charles_operator;
GRANT SELECT ON app.jobs TO charles_operator;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA app TO charles_app, charles_dispatch, charles_inbox;

-- Lanes of a new tenant. One at a time in each lane keeps the tenant's order.
CREATE FUNCTION app.create_lanes(p_tenant uuid) RETURNS void LANGUAGE sql AS $$
    INSERT INTO app.lanes (tenant_id, queue, max_running)
    SELECT p_tenant, q, 1 FROM unnest(ARRAY['imports', 'exports', 'events', 'deliveries', 'maintenance']) AS q
    ON CONFLICT (tenant_id, queue) DO NOTHING
$$;

-- Puts a job into a lane. With a unique key a second waiting one is not added; answers the id, or NULL where one waits
-- already. An earlier due time of the same key pulls the waiting job forward.
CREATE FUNCTION app.enqueue(p_tenant uuid, p_queue text, p_kind text, p_args jsonb, p_unique_key text,
                            p_run_at timestamptz, p_now timestamptz, p_priority smallint DEFAULT 1::smallint) RETURNS bigint
LANGUAGE sql AS $$
    INSERT INTO app.jobs AS j (tenant_id, queue, kind, args, unique_key, run_at, state, priority)
    VALUES (p_tenant, p_queue, p_kind, coalesce(p_args, '{}'), p_unique_key, coalesce(p_run_at, p_now),
            CASE WHEN coalesce(p_run_at, p_now) <= p_now THEN 0 ELSE 4 END, p_priority)
    ON CONFLICT (tenant_id, queue, unique_key) WHERE unique_key IS NOT NULL AND state IN (0, 4)
    DO UPDATE SET run_at = EXCLUDED.run_at, state = EXCLUDED.state, args = EXCLUDED.args
        WHERE j.state = 4 AND EXCLUDED.run_at < j.run_at
    RETURNING id
$$;

-- Claims up to p_n due jobs of a queue over at most p_lanes tenants, least recently served first. Two statements on
-- purpose: the second one's snapshot counts what is running after the lanes are locked, so the limit is hard.
-- Needs READ COMMITTED. The plan is pinned: a hash join or a JIT compilation here costs a hundred times the work.
CREATE FUNCTION app.claim(p_queue text, p_n int, p_lanes int, p_lease interval, p_token uuid, p_now timestamptz)
RETURNS TABLE (tenant_id uuid, id bigint, kind text, args jsonb, attempt smallint, max_attempts smallint)
LANGUAGE plpgsql VOLATILE
SET jit = off SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
DECLARE
    v_lanes uuid[];
    v_share int;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'app.claim needs READ COMMITTED' USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    -- Due scheduled jobs become ready.
    UPDATE app.jobs j SET state = 0
     WHERE j.ctid = ANY (ARRAY(SELECT s.ctid FROM app.jobs s WHERE s.state = 4 AND s.run_at <= p_now
                                ORDER BY s.run_at LIMIT 1000 FOR UPDATE SKIP LOCKED));
    -- A lease that ran out gives its job back; where another of its key waits already, both run, one after the other.
    UPDATE app.jobs j
       SET state = 0, lease_until = NULL, lease_token = NULL,
           unique_key = CASE WHEN EXISTS (
                             SELECT 1 FROM app.jobs w WHERE w.tenant_id = j.tenant_id AND w.queue = j.queue
                                AND w.unique_key = j.unique_key AND w.state IN (0, 4)) THEN NULL ELSE j.unique_key END
     WHERE j.ctid = ANY (ARRAY(SELECT e.ctid FROM app.jobs e WHERE e.state = 1 AND e.lease_until < clock_timestamp()
                                ORDER BY e.lease_until LIMIT 100 FOR UPDATE SKIP LOCKED));
    -- 1: which tenants have ready work (a walk from tenant to tenant over the index), then take their lanes.
    WITH RECURSIVE active(t) AS (
        (SELECT j.tenant_id FROM app.jobs j WHERE j.queue = p_queue AND j.state = 0 ORDER BY j.tenant_id LIMIT 1)
        UNION ALL
        SELECT (SELECT j.tenant_id FROM app.jobs j
                 WHERE j.queue = p_queue AND j.state = 0 AND j.tenant_id > a.t ORDER BY j.tenant_id LIMIT 1)
          FROM active a WHERE a.t IS NOT NULL)
    SELECT array_agg(q.t) INTO v_lanes FROM (
        SELECT x.tenant_id AS t
          FROM active a JOIN app.lanes x ON x.tenant_id = a.t AND x.queue = p_queue
         WHERE NOT x.paused AND x.not_before <= p_now
           AND (SELECT count(*) FROM app.jobs r
                 WHERE r.tenant_id = x.tenant_id AND r.queue = x.queue AND r.state = 1) < x.max_running
         ORDER BY x.last_served LIMIT p_lanes FOR UPDATE OF x SKIP LOCKED) q;
    IF v_lanes IS NULL THEN
        RETURN;
    END IF;
    v_share := ceil(p_n::numeric / cardinality(v_lanes));
    UPDATE app.lanes SET last_served = clock_timestamp() WHERE tenant_id = ANY (v_lanes) AND queue = p_queue;
    -- 2: a new statement, so a fresh snapshot: the count is the committed truth.
    RETURN QUERY
    WITH c AS MATERIALIZED (
        SELECT j.tid
          FROM unnest(v_lanes) AS t(tid0)
          CROSS JOIN LATERAL (
              SELECT greatest(l.max_running - (SELECT count(*) FROM app.jobs r
                         WHERE r.tenant_id = t.tid0 AND r.queue = p_queue AND r.state = 1), 0) AS free
                FROM app.lanes l WHERE l.tenant_id = t.tid0 AND l.queue = p_queue) f
          CROSS JOIN LATERAL (
              SELECT b.ctid AS tid FROM app.jobs b
               WHERE b.tenant_id = t.tid0 AND b.queue = p_queue AND b.state = 0
               ORDER BY b.priority, b.run_at, b.id LIMIT least(v_share, f.free) FOR UPDATE SKIP LOCKED) j)
    UPDATE app.jobs b
       SET state = 1, attempt = b.attempt + 1, lease_until = clock_timestamp() + p_lease, lease_token = p_token
     WHERE b.ctid = ANY (ARRAY(SELECT tid FROM c))
    RETURNING b.tenant_id, b.id, b.kind, b.args, b.attempt, b.max_attempts;
END $$;

-- Renews a lease. False: the job was lost to somebody else, stop and discard.
CREATE FUNCTION app.renew(p_tenant uuid, p_id bigint, p_token uuid, p_lease interval) RETURNS boolean LANGUAGE sql AS $$
    WITH u AS (UPDATE app.jobs SET lease_until = clock_timestamp() + p_lease
                WHERE tenant_id = p_tenant AND id = p_id AND state = 1 AND lease_token = p_token RETURNING 1)
    SELECT EXISTS (SELECT 1 FROM u)
$$;

-- Finishes a job: it leaves the table. False: the lease was lost.
CREATE FUNCTION app.finish_job(p_tenant uuid, p_id bigint, p_token uuid) RETURNS boolean LANGUAGE sql AS $$
    WITH d AS (DELETE FROM app.jobs
                WHERE tenant_id = p_tenant AND id = p_id AND state = 1 AND lease_token = p_token RETURNING 1)
    SELECT EXISTS (SELECT 1 FROM d)
$$;

-- Gives a job back: due at p_run_at, or dead when p_run_at is NULL. p_count_attempt false: the attempt does not count
-- (a wait, a shutdown). If another job of its key is waiting already, this one leaves: the other does its work.
CREATE FUNCTION app.release_job(p_tenant uuid, p_id bigint, p_token uuid, p_run_at timestamptz, p_now timestamptz,
                                p_error text, p_count_attempt boolean, p_args jsonb DEFAULT NULL) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    v_key text;
    v_queue text;
BEGIN
    SELECT unique_key, queue INTO v_key, v_queue FROM app.jobs
     WHERE tenant_id = p_tenant AND id = p_id AND state = 1 AND lease_token = p_token FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF p_run_at IS NOT NULL AND v_key IS NOT NULL AND EXISTS (
        SELECT 1 FROM app.jobs WHERE tenant_id = p_tenant AND queue = v_queue AND unique_key = v_key AND state IN (0, 4)) THEN
        DELETE FROM app.jobs WHERE tenant_id = p_tenant AND id = p_id;
        RETURN true;
    END IF;
    UPDATE app.jobs
       SET state = CASE WHEN p_run_at IS NULL THEN 3 WHEN p_run_at <= p_now THEN 0 ELSE 4 END,
           run_at = coalesce(p_run_at, run_at), lease_until = NULL, lease_token = NULL, last_error = p_error,
           attempt = CASE WHEN p_count_attempt THEN attempt ELSE greatest(attempt - 1, 0) END,
           args = coalesce(p_args, args)
     WHERE tenant_id = p_tenant AND id = p_id;
    RETURN true;
END $$;
