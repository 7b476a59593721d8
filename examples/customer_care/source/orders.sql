-- The shop's order database, as far as the desk reads it. `orders.py` makes `orders.db` from it.
CREATE TABLE orders (
  number  TEXT PRIMARY KEY,
  article TEXT NOT NULL,
  state   TEXT NOT NULL,
  note    TEXT NOT NULL,
  changed TEXT NOT NULL
);
INSERT INTO orders VALUES
  ('BRK-318204', 'Harrier 45 rucksack, moss green', 'waiting', 'The colour is sold out. The next lot of the Harrier 45 rucksack in moss green arrives in week 49.', '2026-11-02T09:12:00'),
  ('BRK-318219', 'Brookmill 12 dehumidifier', 'sent', 'Sent with Wrenvale Parcels on 3 November, two boxes.', '2026-11-03T16:40:00'),
  ('BRK-318233', 'Glowmoth Mini, set of three', 'waiting for payment', 'The bank transfer over 74.85 pounds has not come yet; a reminder went out on 4 November.', '2026-11-04T08:05:00'),
  ('BRK-318240', 'Tarn 2 tent', 'delivered', 'The bag for the poles was missing and goes out by letter.', '2026-11-06T10:31:00'),
  ('BRK-318251', 'Kestrel Solo stove', 'cancelled', 'Cancelled by the customer before it was packed; the money went back the same day.', '2026-11-05T13:22:00'),
  ('BRK-318266', 'Down jacket care kit', 'being packed', 'Goes with the van of Thursday.', '2026-11-06T15:57:00');
