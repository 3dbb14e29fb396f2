"""The same three questions asked as one would ask them by hand: DuckDB on the files, pandas and polars with the columns in memory.

`python -m tests.benchmarks.count_rivals TOOL CUSTOMERS ORDERS` prints one JSON object of milliseconds, from a process of its
own, so that its memory is not another one's. Columns are loaded before the clock starts, as ours are. The answers are printed
as well: they must agree.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable

Questions = dict[str, Callable[[], int]]

CUSTOMER_COLUMNS = ["Id", "Country", "LifetimeValue", "Email"]
ORDER_COLUMNS = ["CustomerId", "Total"]


def duckdb_files(customers: str, orders: str) -> Questions:
    import duckdb

    connection = duckdb.connect()

    def ask(sql: str) -> Callable[[], int]:
        def work() -> int:
            found = connection.execute(sql.format(c=f"read_parquet('{customers}')", o=f"read_parquet('{orders}')"))
            return int(found.fetchall()[0][0])

        return work

    return {
        "predicate": ask("SELECT count(*) FROM {c} WHERE Country IN ('DE', 'AT') AND LifetimeValue >= 500"),
        "semi_join": ask("SELECT count(*) FROM {c} WHERE Id IN (SELECT CustomerId FROM {o} WHERE Total > 180)"),
        "distinct": ask("SELECT count(DISTINCT lower(trim(Email))) FROM {c}"),
    }


def pandas_memory(customers: str, orders: str) -> Questions:
    import pandas as pd

    c = pd.read_parquet(customers, columns=CUSTOMER_COLUMNS).astype({"LifetimeValue": float, "Country": "category"})
    o = pd.read_parquet(orders, columns=ORDER_COLUMNS).astype({"Total": float})
    return {
        "predicate": lambda: int((c["Country"].isin(["DE", "AT"]) & (c["LifetimeValue"] >= 500)).sum()),
        "semi_join": lambda: int(c["Id"].isin(o.loc[o["Total"] > 180, "CustomerId"].unique()).sum()),
        "distinct": lambda: int(c["Email"].str.strip().str.lower().nunique()),
    }


def polars_memory(customers: str, orders: str) -> Questions:
    import polars as pl

    c = pl.read_parquet(customers, columns=CUSTOMER_COLUMNS).with_columns(
        pl.col("LifetimeValue").cast(pl.Float64), pl.col("Country").cast(pl.Categorical)
    )
    o = pl.read_parquet(orders, columns=ORDER_COLUMNS).with_columns(pl.col("Total").cast(pl.Float64))

    def count(question: pl.LazyFrame) -> int:
        return int(question.select(pl.len()).collect().item())

    met = pl.col("Country").is_in(["DE", "AT"]) & (pl.col("LifetimeValue") >= 500)
    ordered = o.lazy().filter(pl.col("Total") > 180)
    email = pl.col("Email").str.strip_chars().str.to_lowercase()
    return {
        "predicate": lambda: count(c.lazy().filter(met)),
        "semi_join": lambda: count(c.lazy().join(ordered, left_on="Id", right_on="CustomerId", how="semi")),
        "distinct": lambda: int(c.lazy().select(email.drop_nulls().n_unique()).collect().item()),
    }


TOOLS = {"duckdb": duckdb_files, "pandas": pandas_memory, "polars": polars_memory}


def main(tool: str, customers: str, orders: str) -> dict[str, float]:
    numbers: dict[str, float] = {}
    for name, work in TOOLS[tool](customers, orders).items():
        took = []
        for _ in range(5):
            start = time.perf_counter()
            answer = work()
            took.append((time.perf_counter() - start) * 1000)
            if sum(took) > 30_000:  # pandas takes most of a minute for one of them
                break
        numbers[f"{name}_{tool}_ms"] = round(statistics.median(took), 1)
        numbers[f"{name}_{tool}"] = answer
    return numbers


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:4])))
