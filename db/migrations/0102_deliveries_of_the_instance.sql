-- What is told of an instance as a whole (alerts, its connection, its imports) does not stand in line behind what is told of its
-- contacts and orders.
SET LOCAL ROLE charles_owner;

CREATE INDEX deliveries_of_instance ON app.deliveries (tenant_id, next_attempt_at, sequence)
 WHERE state = 'queued' AND contact_id IS NULL AND type NOT LIKE 'order.%';
