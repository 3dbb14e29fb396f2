-- Business accounts: Account (20,000 rows), Contact (60,000), Opportunity (9,000). $anchor is the day everything is relative to.

CREATE TEMP TABLE firm AS
SELECT n, p, c.*, pick(lasts, p, 'firm') || ' ' || pick(['Robotics', 'Foods', 'Logistik', 'Energy', 'Textil', 'Pharma', 'Maschinenbau', 'Media', 'Bau', 'Optics'], p, 'field') AS base
FROM (SELECT n, CASE WHEN n > 1000 AND draw(n, 'again', 100) < 2 THEN 1 + draw(n, 'whom', 1000) * (n // 1000) ELSE n END AS p
      FROM range(1, 20001) AS t(n)) AS r
JOIN country_side AS c ON c.side = draw(r.p, 'country', 1000);

CREATE MACRO firm_domain(base, p) AS
    trim(regexp_replace(lower(strip_accents(base)), '[^a-z0-9]+', '-', 'g'), '-') || '-' || p::VARCHAR || '.example';

COPY (
    SELECT 'A-' || lpad(n::VARCHAR, 5, '0') AS AccountId,
           CASE WHEN draw(n, 'noname', 1000) < 12 THEN NULL ELSE typed(base || ' ' || pick(['GmbH', 'Ltd.', 'Inc', 'S.A.', 'AG', 'B.V.', 'Sp. z o.o.', '株式会社'], p, 'form'), n, 'tn') END AS Name,
           CASE WHEN draw(n, 'noweb', 100) < 7 THEN NULL ELSE pick(['https://www.', 'http://', 'www.', ''], n, 'scheme') || firm_domain(base, p) || pick(['', '/', '/en'], n, 'path') END AS Website,
           pick(['Manufacturing', 'Food', 'Logistics', 'Energy', 'Retail', 'Health', 'Software', 'Media'], p, 'industry') AS Industry,
           (3 + floor(9000 * cube(draw(p, 'staff', 10000) / 10000.0)))::INTEGER AS Employees,
           round(40000 + 90000000 * cube(draw(p, 'revenue', 100000) / 100000.0), 2)::DECIMAL(14, 2) AS AnnualRevenue,
           currency AS Currency, phone(code, p) AS Phone,
           replace(pick(streets, p, 'street'), '%', (1 + draw(p, 'house', 180))::VARCHAR) AS Street,
           typed(pick(cities, p, 'city'), n, 'tc') AS City, postal(code, p) AS PostalCode, pick(names, n, 'cname') AS Country,
           pick(['customer', 'customer', 'customer', 'prospect', 'prospect', 'former'], n, 'stage') AS Stage,
           CASE WHEN draw(n, 'stage', 6) < 3 THEN $anchor::DATE + draw(n, 'renew', 730)::INTEGER END AS RenewalOn,
           ($anchor::DATE - (draw(n, 'active', 1500))::INTEGER) AS LastActivityOn,
           ($anchor::DATE - (1500 + draw(n, 'created', 2500))::INTEGER) AS CreatedOn
    FROM firm ORDER BY n
) TO $accounts (FORMAT parquet, COMPRESSION zstd);

COPY (
    SELECT 'K-' || lpad(k::VARCHAR, 5, '0') AS ContactId,
           CASE WHEN draw(k, 'alone', 100) < 3 THEN NULL ELSE 'A-' || lpad(n::VARCHAR, 5, '0') END AS AccountId,
           typed(given, k, 'tf') AS FirstName, typed(family, k, 'tl') AS LastName,
           CASE WHEN draw(k, 'notitle', 100) < 8 THEN NULL ELSE pick(['CEO', 'CFO', 'Head of Purchasing', 'Buyer', 'Marketing Manager', 'Geschäftsführer', 'IT Lead', 'Assistant', 'Engineer', 'Directrice'], k, 'title') END AS JobTitle,
           email(local_part(given, family, k), firm_domain(base, p), k) AS Email, phone(code, 'k' || k) AS Phone,
           pick(names, k, 'cname') AS Country, lang AS Language,
           CASE WHEN draw(k, 'optin', 100) < 8 THEN NULL ELSE draw(k, 'optin', 100) < 60 END AS EmailOptIn,
           CASE WHEN draw(k, 'webinar', 100) < 4 THEN $anchor::DATE - draw(k, 'webday', 300)::INTEGER END AS WebinarOn,
           ($anchor::DATE - draw(k, 'active', 1000)::INTEGER) AS LastActivityOn
    FROM (SELECT k, f.*, CASE WHEN draw(k, 'gender', 2) = 0 THEN pick(women, k, 'given') ELSE pick(men, k, 'given') END AS given, pick(lasts, k, 'family') AS family
          FROM range(1, 60001) AS t(k) JOIN firm AS f ON f.n = 1 + draw(k, 'account', 20000)) AS c
    ORDER BY k
) TO $contacts (FORMAT parquet, COMPRESSION zstd);

COPY (
    SELECT 'P-' || lpad(o::VARCHAR, 5, '0') AS OpportunityId, 'A-' || lpad((1 + draw(o, 'account', 20000))::VARCHAR, 5, '0') AS AccountId,
           pick(['open', 'open', 'won', 'won', 'lost'], o, 'state') AS Stage,
           round(500 + 80000 * cube(draw(o, 'amount', 10000) / 10000.0), 2)::DECIMAL(12, 2) AS Amount,
           ($anchor::DATE + (draw(o, 'close', 700) - 500)::INTEGER) AS CloseOn
    FROM range(1, 9001) AS t(o) ORDER BY o
) TO $opportunities (FORMAT parquet, COMPRESSION zstd);
