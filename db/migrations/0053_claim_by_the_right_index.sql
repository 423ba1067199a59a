-- Claiming walks the ready jobs alone.
--
-- Where two indexes promise the same, PostgreSQL took the primary key for the walk from tenant to tenant and stepped over jobs
-- that were running or gone; read the lanes of all tenants to lock those of a few; and could not look for leases that ran out
-- by their index, because clock_timestamp() is asked anew for each row. Each claim was also planned anew. And shares that were
-- rounded up gave more jobs than were asked for; they are rounded down, and there are no more lanes than jobs.
SET LOCAL ROLE charles_owner;

CREATE OR REPLACE FUNCTION app.claim(p_queue text, p_n int, p_lanes int, p_lease interval, p_token uuid, p_now timestamptz)
RETURNS TABLE (tenant_id uuid, id bigint, kind text, args jsonb, attempt smallint, max_attempts smallint)
LANGUAGE plpgsql VOLATILE
SET plan_cache_mode = force_generic_plan SET jit = off SET enable_seqscan = off SET enable_hashjoin = off
SET enable_mergejoin = off SET enable_bitmapscan = off SET enable_material = off AS $$
#variable_conflict use_column
DECLARE
    v_active uuid[];
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
     WHERE j.ctid = ANY (ARRAY(SELECT e.ctid FROM app.jobs e
                                WHERE e.state = 1 AND e.lease_until < (SELECT clock_timestamp())
                                ORDER BY e.lease_until LIMIT 100 FOR UPDATE SKIP LOCKED));
    -- 1: which tenants have ready work: a walk from tenant to tenant over the index of ready jobs.
    -- Compared as pairs, which only that index can put in order.
    WITH RECURSIVE active(q, t) AS (
        SELECT p_queue, NULL::uuid
        UNION ALL
        SELECT n.queue, n.tenant_id
          FROM active a
          CROSS JOIN LATERAL (
              SELECT j.queue, j.tenant_id FROM app.jobs j
               WHERE (j.queue, j.tenant_id) > (p_queue, coalesce(a.t, '00000000-0000-0000-0000-000000000000')) AND j.state = 0
               ORDER BY j.queue, j.tenant_id LIMIT 1) n
         WHERE a.q = p_queue)
    SELECT array_agg(a.t) INTO v_active FROM active a WHERE a.q = p_queue AND a.t IS NOT NULL;
    IF v_active IS NULL THEN
        RETURN;
    END IF;
    -- Their lanes, least recently served first.
    SELECT array_agg(q.t) INTO v_lanes FROM (
        SELECT x.tenant_id AS t FROM app.lanes x
         WHERE x.tenant_id = ANY (v_active) AND x.queue = p_queue AND NOT x.paused AND x.not_before <= p_now
           AND (SELECT count(*) FROM app.jobs r
                 WHERE r.tenant_id = x.tenant_id AND r.queue = x.queue AND r.state = 1) < x.max_running
         ORDER BY x.last_served LIMIT least(p_lanes, p_n) FOR UPDATE OF x SKIP LOCKED) q;
    IF v_lanes IS NULL THEN
        RETURN;
    END IF;
    v_share := p_n / cardinality(v_lanes);
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
