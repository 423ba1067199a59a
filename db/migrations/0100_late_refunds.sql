-- A refund counts whenever its word arrives. For that the shop's own sum of refunds stands apart from what counts in all.
SET LOCAL ROLE charles_owner;

ALTER TABLE app.orders ADD COLUMN refund_sum numeric(18, 4), ADD COLUMN refund_sum_at timestamptz;
COMMENT ON COLUMN app.orders.refund_sum IS
    'The shop''s latest dated sum of all refunds. What counts is the larger of it and of the single refunds (details, credit_memos).';
COMMENT ON COLUMN app.orders.refund_sum_at IS 'What time refund_sum is of, by the shop''s word.';
