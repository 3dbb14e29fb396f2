-- Who lives in the sample data: names, cities, streets and telephone ranges of sixteen countries, and the dice.
-- Every value follows from the row's number through MD5, so the same rows come out on every computer and version.

CREATE MACRO draw(n, salt, sides) AS (md5_number_lower(concat(n, ':', salt)) % sides)::BIGINT;
CREATE MACRO pick(items, n, salt) AS items[draw(n, salt, len(items)) + 1];
-- A power as a product: pow() may differ in its last digit from one computer to the next.
CREATE MACRO cube(x) AS x * x * x;
CREATE MACRO digits(n, salt, places) AS lpad(draw(n, salt, [10, 100, 1000, 10000, 100000][places])::VARCHAR, places, '0');

-- Text as people type it: odd blanks (also the no-break one), all capitals, none.
CREATE MACRO typed(t, n, salt) AS CASE draw(n, salt, 120)
    WHEN 0 THEN '  ' || t WHEN 1 THEN t || ' ' WHEN 2 THEN upper(t) WHEN 3 THEN lower(t)
    WHEN 4 THEN replace(t, ' ', '  ') WHEN 5 THEN chr(160) || t WHEN 6 THEN t || chr(9) ELSE t END;

CREATE TEMP TABLE country AS
SELECT code, string_split(names, '|') AS names, lang, currency, string_split(women, ',') AS women,
       string_split(men, ',') AS men, string_split(lasts, ',') AS lasts, string_split(cities, ',') AS cities,
       string_split(streets, '|') AS streets, share
FROM (VALUES
('DE', 'Germany|Germany|Germany|DE|DE|Deutschland|germany|GER|D', 'de', 'EUR', 'Anna,Jule,Käthe,Sofia,Lena,Mia,Jördis,Ayşe,Heike,Britta', 'Jonas,Jürgen,Björn,Max,Emre,Götz,Uwe,Karl-Heinz,Leon,Paul', 'Müller,Schmidt,Groß,Weiß,Schäfer,Yılmaz,von der Heide,Köhler,Jäger,Özdemir,Lang,Meyer-Landrut', 'Berlin,Hamburg,München,Köln,Leipzig,Düsseldorf', 'Musterstraße %|Beispielweg %|Probeallee %|Musterstr. %a', 170),
('US', 'US|US|US|USA|United States|United States of America|U.S.A.|us', 'en', 'USD', 'Emily,Ava,Zoë,Maria José,Grace,Shanice,Olivia,Hannah,Chloe,Renée', 'James,Liam,D''Andre,Michael,José,Noah,Ethan,Tyrone,Wyatt,Carlos', 'Smith,Johnson,O''Connor,García,Nguyen,Williams,St. John,Brown,Lee,Washington,Van Dyke,Muñoz', 'Springfield,Portland,Austin,Boston,Denver,Newark', '% Sample Street|% Example Ave Apt 4|PO Box % Fictional Sq|% Anywhere Blvd', 160),
('GB', 'GB|GB|UK|UK|United Kingdom|England|Great Britain|Scotland', 'en', 'GBP', 'Charlotte,Siân,Niamh,Priya,Isla,Poppy,Zara,Harriet', 'Oliver,Rhys,Callum,Mohammed,George,Harry,Alfie,Iain', 'Jones,Taylor,Ó Briain,Patel,MacLeod,Khan,Davies,Smythe-Jones,Begum,Wright', 'London,Leeds,Glasgow,Cardiff,Bristol,Belfast', '% Sample Street|Flat 2/% Example Road|The Old Example %|% Nowhere Lane', 110),
('FR', 'France|France|FR|FR|FRANCE|fr', 'fr', 'EUR', 'Chloé,Zoé,Françoise,Amélie,Inès,Maëlys,Hélène,Anaïs', 'François,Loïc,Noël,Jean-Luc,Théo,Hugo,Mathéo,Rémi', 'Lefèvre,Dupont,Gauthier,Bérénger,D''Arc,Garçon,Le Goff,N''Guyen,Petit,Morvan', 'Paris,Lyon,Marseille,Saint-Étienne,Besançon,Nîmes', '% rue de l''Exemple|% bis avenue du Modèle|% chemin Imaginaire', 85),
('AT', 'Austria|AT|AT|Österreich|Oesterreich', 'de', 'EUR', 'Johanna,Rosi,Valentina,Käthe,Lisbeth', 'Franzl,Lukas,Tobias,Jörg,Wolfgang', 'Gruber,Höfer,Pichler,Wögerbauer,Moser,Steiner', 'Wien,Graz,Linz,Klagenfurt am Wörthersee', 'Mustergasse %/3|Beispielplatz %|Probeweg %', 50),
('NL', 'Netherlands|NL|NL|Nederland|Holland|The Netherlands', 'nl', 'EUR', 'Sanne,Fenna,Noa,Jasmijn,Maaike', 'Daan,Sjoerd,Thijs,Jeroen,Mees', '''t Hart,van den Berg,de Vries,Bakker,van ''t Hoff,Jansen', 'Amsterdam,Rotterdam,Utrecht,Den Haag,''s-Hertogenbosch', 'Voorbeeldstraat %|Modelplein %-II|Proefkade %', 50),
('ES', 'Spain|ES|ES|España|Espana', 'es', 'EUR', 'Lucía,Begoña,María del Mar,Nerea,Núria', 'Íñigo,Ángel,Jesús,Álvaro,Javier', 'Muñoz Peña,Ibáñez,Núñez,García-Lorca,Fernández,López i Puig', 'Madrid,A Coruña,Málaga,Barcelona,León', 'Calle Ejemplo, %|Avda. del Modelo % 2º dcha.|Plaza Inventada %', 50),
('IT', 'Italy|IT|IT|Italia', 'it', 'EUR', 'Giulia,Niccolò,Sofia,Chiara,Lucrezia', 'Nicolò,Pierluigi,Andrea,Gió,Matteo', 'D''Angelo,Rossi,Dalla Costa,Nicolò,De Luca,Lo Bue', 'Roma,Milano,Forlì,Torino,L''Aquila', 'Via Esempio %|Piazza del Modello, %|Vicolo Inventato %', 45),
('SE', 'Sweden|SE|SE|Sverige', 'sv', 'SEK', 'Åsa,Maja,Linnéa,Märta,Elsa', 'Björn,Göran,Åke,Nils,Måns', 'Sjöberg,Åkerström,Öberg,Lindqvist,Nyström,Ek', 'Stockholm,Göteborg,Malmö,Umeå', 'Exempelgatan %|Provvägen % lgh 1102|Påhittade gränd %', 40),
('PL', 'Poland|PL|PL|Polska', 'pl', 'PLN', 'Małgorzata,Zofia,Żaneta,Agnieszka,Łucja', 'Łukasz,Paweł,Stanisław,Michał,Wojciech', 'Wójcik,Brzęczyszczykiewicz,Żółć,Kowalska,Nowak,Śliwa', 'Warszawa,Łódź,Kraków,Gdańsk', 'ul. Przykładowa %|al. Wzorcowa % m. 7|os. Zmyślone %', 40),
('CZ', 'Czech Republic|Czechia|CZ|CZ|Česko|Česká republika', 'cs', 'CZK', 'Tereza,Eliška,Žofie,Růžena,Kateřina', 'Jiří,Ondřej,Řehoř,František,Tomáš', 'Dvořák,Wichterlová,Šťastný,Čapek,Nováková,Říha', 'Praha,Brno,Plzeň,České Budějovice', 'Ukázková %|Vzorová %/12|Smyšlená č.p. %', 30),
('GR', 'Greece|GR|GR|Ελλάδα', 'el', 'EUR', 'Ελένη,Μαρία,Αικατερίνη,Ζωή', 'Γιώργος,Νίκος,Δημήτρης,Ιωάννης', 'Παπαδόπουλος,Νικολάου,Γεωργίου,Αθανασιάδης', 'Αθήνα,Θεσσαλονίκη,Πάτρα', 'Οδός Παραδείγματος %|Λεωφόρος Δοκιμής %', 25),
('BR', 'Brazil|BR|BR|Brasil', 'pt', 'BRL', 'Conceição,Júlia,Antônia,Maria Eduarda', 'João,Luís,Antônio,Caetano', 'Gonçalves,da Silva,Araújo,dos Santos Leão,Assunção', 'São Paulo,Rio de Janeiro,Florianópolis,Belém', 'Rua Exemplo, % ap. 101|Av. Fictícia, %|Travessa do Modelo, %', 45),
('JP', 'Japan|JP|JP|日本', 'ja', 'JPY', '陽菜,さくら,結衣,ひかり', '蓮,大輔,健太,悠真', '佐藤,鈴木,高橋,田中,渡邉', '東京,大阪,札幌,福岡', '見本町%丁目1-2|例示台%番地', 35),
('IN', 'India|IN|IN|भारत', 'hi', 'INR', 'Ananya,प्रिया,Lakshmi,Diya', 'Arjun,Rahul,विक्रम,Sanjay', 'Sharma,Iyer,गुप्ता,Singh,Subramaniam', 'Mumbai,Bengaluru,Chennai,दिल्ली', '% Namoona Marg|Plot % Sample Nagar|Flat %B Example Towers', 35),
('AU', 'Australia|AU|AU|australia|AUS', 'en', 'AUD', 'Matilda,Ruby,Kirra,Mei', 'Jack,Cooper,Lachlan,Wei', 'Nguyen,O''Brien,Wilson,Chen,Papadakis', 'Sydney,Hobart,Perth,Darwin', 'Unit % Sample Pde|% Example Crescent|% Imaginary Hwy', 30)
) AS t(code, names, lang, currency, women, men, lasts, cities, streets, share);

-- One row for each of the 1,000 sides of a die, so that a country comes by its share.
CREATE TEMP TABLE country_side AS
SELECT code, names, lang, currency, women, men, lasts, cities, streets,
       unnest(range((sum(share) OVER (ORDER BY code) - share)::BIGINT, (sum(share) OVER (ORDER BY code))::BIGINT)) AS side
FROM country;

CREATE MACRO postal(code, n) AS CASE code
    WHEN 'GB' THEN pick(['SW1A', 'LS', 'G', 'CF', 'BS', 'BT'], n, 'pa') || digits(n, 'pd', 1) || ' ' || digits(n, 'pe', 1) || pick(['AA', 'XY', 'ZZ'], n, 'pf')
    WHEN 'NL' THEN (1000 + draw(n, 'p', 9000))::VARCHAR || pick([' ', ''], n, 'ps') || pick(['AB', 'XZ', 'QQ'], n, 'pf')
    WHEN 'SE' THEN (100 + draw(n, 'p', 900))::VARCHAR || ' ' || digits(n, 'pd', 2)
    WHEN 'CZ' THEN (100 + draw(n, 'p', 699))::VARCHAR || pick([' ', ''], n, 'ps') || digits(n, 'pd', 2)
    WHEN 'PL' THEN digits(n, 'pd', 2) || '-' || digits(n, 'p', 3)
    WHEN 'BR' THEN digits(n, 'p', 5) || pick(['-', ''], n, 'ps') || digits(n, 'pd', 3)
    WHEN 'JP' THEN digits(n, 'pd', 3) || '-' || digits(n, 'p', 4)
    WHEN 'IN' THEN (100000 + draw(n, 'p', 800000))::VARCHAR
    WHEN 'AT' THEN (1000 + draw(n, 'p', 9000))::VARCHAR
    WHEN 'AU' THEN lpad((200 + draw(n, 'p', 9700))::VARCHAR, 4, '0')
    WHEN 'US' THEN digits(n, 'p', 5) || CASE draw(n, 'ps', 6) WHEN 0 THEN '-' || digits(n, 'pd', 4) ELSE '' END
    ELSE digits(n, 'p', 5) END;

-- Telephone numbers only from ranges kept for fiction; who lives where none is known gives one of another country, and
-- always in its international form. The sources stand in app/data/samples.py.
CREATE MACRO phone_abroad(n) AS CASE draw(n, 'abroad', 3)
    WHEN 0 THEN '+33 6 39 98 ' || digits(n, 'f1', 2) || ' ' || digits(n, 'f2', 2)
    WHEN 1 THEN '+44 7700 900' || digits(n, 'f3', 3)
    ELSE '0033 6 39 98 ' || digits(n, 'f1', 2) || ' ' || digits(n, 'f2', 2) END;
CREATE MACRO phone_us(area, line, style) AS CASE style
    WHEN 0 THEN '+1 ' || area || ' 555 01' || line WHEN 1 THEN '(' || area || ') 555-01' || line
    WHEN 2 THEN area || '-555-01' || line WHEN 3 THEN '+1' || area || '55501' || line
    WHEN 4 THEN '1.' || area || '.555.01' || line ELSE area || '55501' || line END;
CREATE MACRO phone_gb(line, style) AS CASE style
    WHEN 0 THEN '07700 900' || line WHEN 1 THEN '+44 7700 900' || line WHEN 2 THEN '+44 (0)7700 900' || line
    WHEN 3 THEN '07700900' || line WHEN 4 THEN '020 7946 0' || line ELSE '0044 161 496 0' || line END;
CREATE MACRO phone_de(line, style) AS CASE style
    WHEN 0 THEN '+49 30 23125' || line WHEN 1 THEN '030/23125-' || line WHEN 2 THEN '0171 39200' || left(line, 2)
    WHEN 3 THEN '+49 (0)171 39200-' || left(line, 2) WHEN 4 THEN '004930 23125' || line ELSE '(030) 23125 ' || line END;
CREATE MACRO phone_fr(a, b, style) AS CASE style
    WHEN 0 THEN '06 39 98 ' || a || ' ' || b WHEN 1 THEN '+33 6 39 98 ' || a || ' ' || b WHEN 2 THEN '+33639 98' || a || b
    WHEN 3 THEN '06.39.98.' || a || '.' || b WHEN 4 THEN '0033 639 98 ' || a || ' ' || b ELSE '063998' || a || b END;
CREATE MACRO phone_se(line, style) AS CASE style
    WHEN 0 THEN '070-174 06 ' || line WHEN 1 THEN '+46 70 174 06 ' || line WHEN 2 THEN '+467017406' || line ELSE '0701740 6' || line END;
CREATE MACRO phone_au(line, style) AS CASE style
    WHEN 0 THEN '0' || line WHEN 1 THEN '+61 ' || line WHEN 2 THEN '+61 (0)' || line ELSE '0' || replace(line, ' ', '') END;
CREATE MACRO phone(code, n) AS CASE
    WHEN draw(n, 'nophone', 1000) < 270 THEN NULL
    WHEN draw(n, 'nophone', 1000) < 285 THEN pick(['', 'n/a', 'unknown', '-', '0', '???'], n, 'badphone')
    ELSE CASE code
        WHEN 'US' THEN phone_us(pick(['212', '303', '415', '512', '617', '702', '808', '907'], n, 'area'), digits(n, 'line', 2), draw(n, 'style', 6))
        WHEN 'GB' THEN phone_gb(digits(n, 'line', 3), draw(n, 'style', 6))
        WHEN 'DE' THEN phone_de(digits(n, 'line', 3), draw(n, 'style', 6))
        WHEN 'FR' THEN phone_fr(digits(n, 'line', 2), digits(n, 'f2', 2), draw(n, 'style', 6))
        WHEN 'SE' THEN phone_se((10 + draw(n, 'line', 90))::VARCHAR, draw(n, 'style', 4))
        WHEN 'AU' THEN phone_au(pick(['491 570 006', '491 570 156', '491 570 157', '491 570 158', '491 570 159', '491 570 110', '491 570 313', '491 570 737'], n, 'line'), draw(n, 'style', 4))
        ELSE phone_abroad(n) END END;

-- E-mail addresses only at names that RFC 2606 keeps out of the real network.
CREATE MACRO email(local, domain, n) AS CASE
    WHEN draw(n, 'mail', 1000) < 14 THEN NULL
    WHEN draw(n, 'mail', 1000) < 18 THEN ''
    WHEN draw(n, 'mail', 1000) < 32 THEN CASE draw(n, 'badmail', 9)
        WHEN 0 THEN local || '.' || domain WHEN 1 THEN local || '@' WHEN 2 THEN replace(local, '.', ' ') || '@' || domain
        WHEN 3 THEN local || '@@' || domain WHEN 4 THEN local || '@example' WHEN 5 THEN 'n/a' WHEN 6 THEN local || '@example..com'
        WHEN 7 THEN local || '@' || domain || '; ' || local || '@example.net' ELSE '@' || domain END
    WHEN draw(n, 'mail', 1000) < 90 THEN upper(left(local, 1)) || substr(local, 2) || '@' || domain
    WHEN draw(n, 'mail', 1000) < 130 THEN upper(local || '@' || domain)
    WHEN draw(n, 'mail', 1000) < 150 THEN ' ' || local || '@' || domain
    WHEN draw(n, 'mail', 1000) < 165 THEN local || '@' || domain || '  '
    WHEN draw(n, 'mail', 1000) < 195 THEN local || '+news@' || domain
    ELSE local || '@' || domain END;
CREATE MACRO local_part(given, family, n) AS
    coalesce(nullif(regexp_replace(lower(strip_accents(given)), '[^a-z0-9]', '', 'g'), ''), 'customer') || '.' ||
    coalesce(nullif(regexp_replace(lower(strip_accents(family)), '[^a-z0-9]', '', 'g'), ''), 'x') || n::VARCHAR;
CREATE MACRO mail_domain(n) AS pick(['example.com', 'example.org', 'example.net', 'mail.example', 'post.example', 'inbox.test', 'example.com'], n, 'domain');
