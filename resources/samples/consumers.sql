-- Individual consumers: Customer (200,000 rows), Orders (1,000,000). $anchor is the day everything is relative to.

CREATE MACRO later(x) AS x * (0.7 + 0.3 * x);

-- One throw an order, cut into pieces: a million orders in a moment.
CREATE TEMP TABLE placed AS
SELECT n AS order_number,
       -- Cubing makes a few customers busy and leaves many with one order or none.
       1 + ((floor(200000 * cube((throw % 1000003) / 1000003.0))::BIGINT * 7919 + 13) % 200000) AS customer,
       $anchor::DATE::TIMESTAMP - to_seconds(floor(4 * 365 * 86400 * later((throw // 1000003 % 1000003) / 1000003.0))::BIGINT) AS placed_on,
       round(4.9 + 240 * cube((throw // 1000003 // 1000003 % 100000) / 100000.0), 2)::DECIMAL(12, 2) AS total,
       ['web', 'web', 'web', 'app', 'app', 'store', 'store', 'phone'][(throw // 7 % 8)::BIGINT + 1] AS channel,
       CASE throw // 1009 % 10 WHEN 0 THEN 'returned' WHEN 1 THEN 'cancelled' ELSE 'completed' END AS status
FROM (SELECT range AS n, md5_number_lower(range::VARCHAR) AS throw FROM range(1, 1000001)) AS t;

CREATE TEMP TABLE bought AS
SELECT customer, sum(total) FILTER (status = 'completed') AS spent, max(placed_on) AS last_on, min(placed_on) AS first_on
FROM placed WHERE status <> 'cancelled' GROUP BY customer;

-- Three in a hundred rows are somebody who is there already, typed again under a new number.
CREATE TEMP TABLE person AS
SELECT n, p, draw(p, 'gender', 2) = 0 AS woman, c.*
FROM (SELECT n, CASE WHEN n > 1000 AND draw(n, 'again', 100) < 3 THEN 1 + draw(n, 'whom', 1000) * (n // 1000) ELSE n END AS p
      FROM range(1, 200001) AS t(n)) AS r
JOIN country_side AS c ON c.side = draw(r.p, 'country', 1000);

CREATE TEMP TABLE named AS
SELECT *, CASE WHEN woman THEN pick(women, p, 'given') ELSE pick(men, p, 'given') END AS given, pick(lasts, p, 'family') AS family
FROM person;

COPY (
    SELECT 'C-' || lpad(n::VARCHAR, 6, '0') AS CustomerId,
           CASE WHEN draw(n, 'nofirst', 1000) < 9 THEN NULL ELSE typed(given, n, 'tf') END AS FirstName,
           typed(family, n, 'tl') AS LastName,
           email(local_part(given, family, p), mail_domain(p), n) AS EmailPrimary,
           phone(code, p) AS Mobile,
           replace(pick(streets, p, 'street'), '%', (1 + draw(p, 'house', 180))::VARCHAR) AS Street,
           typed(pick(cities, p, 'city'), n, 'tc') AS City,
           postal(code, p) AS PostalCode,
           CASE WHEN draw(n, 'nocountry', 1000) < 2 THEN NULL ELSE pick(names, n, 'cname') END AS Country,
           CASE draw(n, 'lang', 12) WHEN 0 THEN lang || '-' || code WHEN 1 THEN upper(lang) ELSE lang END AS Language,
           CASE WHEN draw(p, 'nobirth', 100) < 22 THEN NULL ELSE DATE '1940-01-01' + draw(p, 'birth', 24800)::INTEGER END AS BirthDate,
           CASE WHEN draw(p, 'nogender', 100) < 15 THEN NULL WHEN woman THEN pick(['f', 'F', 'female', 'w'], n, 'tg') ELSE pick(['m', 'M', 'male'], n, 'tg') END AS Gender,
           CASE WHEN draw(p, 'company', 100) < 6 THEN family || ' ' || pick(['& Co.', 'GmbH', 'Ltd', 'S.A.', 'BV'], p, 'form') END AS Company,
           CASE WHEN draw(n, 'tier', 100) < 12 THEN NULL WHEN coalesce(spent, 0) > 1600 THEN 'Platinum' WHEN coalesce(spent, 0) > 700 THEN 'Gold'
                WHEN coalesce(spent, 0) > 320 THEN 'Silver' ELSE 'Basic' END AS LoyaltyTier,
           coalesce(spent, 0)::DECIMAL(12, 2) AS LifetimeValue,
           CASE WHEN draw(n, 'optin', 100) < 5 THEN NULL ELSE draw(n, 'optin', 100) < 80 END AS EmailOptIn,
           CASE WHEN draw(n, 'smsin', 100) < 9 THEN NULL ELSE draw(n, 'smsin', 100) < 46 END AS SmsOptIn,
           CASE WHEN draw(n, 'basket', 1000) < 62 THEN $anchor::DATE::TIMESTAMP - to_seconds(draw(n, 'left', 60 * 86400)) END AS BasketLeftOn,
           least(first_on, $anchor::DATE::TIMESTAMP - to_seconds(30 * 86400 + draw(n, 'created', 8 * 365 * 86400))) AS CreatedOn,
           last_on AS LastPurchaseOn
    FROM named LEFT JOIN bought ON customer = n
    ORDER BY n
) TO $customers (FORMAT parquet, COMPRESSION zstd);

COPY (
    SELECT 'O-' || lpad(order_number::VARCHAR, 7, '0') AS OrderId, 'C-' || lpad(customer::VARCHAR, 6, '0') AS CustomerId,
           placed_on AS PlacedOn, total AS Total, currency AS Currency, channel AS Channel, status AS Status
    FROM placed JOIN person ON n = customer
    ORDER BY order_number
) TO $orders (FORMAT parquet, COMPRESSION zstd);
