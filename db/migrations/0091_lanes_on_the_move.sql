-- Lanes of a tenant that is on its way to another database wait, all of them.
SET LOCAL ROLE charles_owner;

CREATE OR REPLACE FUNCTION app.set_lane_pauses(p_tenant uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_moves boolean := EXISTS (SELECT 1 FROM app.tenant_moves m WHERE m.tenant_id = p_tenant);
    v_paused boolean := EXISTS (SELECT 1 FROM app.connections c WHERE c.tenant_id = p_tenant AND c.paused)
        OR NOT EXISTS (
            SELECT 1 FROM app.tenants t
              JOIN app.features f ON f.tenant_id = p_tenant AND f.feature = 'emarsys' AND f.enabled
             WHERE t.tenant_id = p_tenant AND t.status = 'active');
BEGIN
    UPDATE app.lanes l SET paused = v_moves OR (v_paused AND l.queue <> 'maintenance') WHERE l.tenant_id = p_tenant;
END $$;
