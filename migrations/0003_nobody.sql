-- The token of nobody's (src/adapters/store/nobody.ts); texts as long as those of a token with a secret of 20 bytes.
INSERT INTO `tokens` (`id`, `serial`, `type`, `secret`, `pin`, `digits`, `hash`, `count_window`, `sync_window`, `max_fail_count`, `active`, `info`, `created_at`)
	VALUES (0, '(nobody)', '', printf('%.*c', 71, '-'), printf('%.*c', 109, '-'), 6, 'sha1', 10, 1000, 1, 0, '{"email_address":"nobody@example.org","hashlib":"sha1"}', 0);
--> statement-breakpoint
DELETE FROM `meta` WHERE `key` = 'refused_without_token';--> statement-breakpoint
UPDATE `meta` SET `value` = 4 WHERE `key` = 'schema';
