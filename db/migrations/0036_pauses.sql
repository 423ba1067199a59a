-- Whether a tenant's lanes wait, in one place.
SET LOCAL ROLE charles_owner;

-- Imports, exports, events and deliveries wait while the tenant is suspended, its feature is off or it has paused the
-- integration. Called in the transaction that changes any of these, by the tenant's role or by operators.
CREATE FUNCTION app.set_lane_pauses(p_tenant uuid) RETURNS void LANGUAGE sql AS $$
    UPDATE app.lanes l
       SET paused = NOT EXISTS (
               SELECT 1 FROM app.tenants t
                 JOIN app.features f ON f.tenant_id = p_tenant AND f.feature = 'emarsys' AND f.enabled
                WHERE t.tenant_id = p_tenant AND t.status = 'active')
           OR EXISTS (SELECT 1 FROM app.connections c WHERE c.tenant_id = p_tenant AND c.paused)
     WHERE l.tenant_id = p_tenant AND l.queue IN ('imports', 'exports', 'events', 'deliveries')
$$;
