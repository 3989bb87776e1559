"""Arrow's views of strings, which pyarrow cannot always hand over."""

from __future__ import annotations

from typing import Any


def without_views(data: Any) -> Any:
    """Arrow data with plain strings in place of views of them.

    pyarrow ends the process where it hands over views that have no buffer behind them, as those
    cast from short strings have none.
    """
    import pyarrow as pa

    types = getattr(pa.types, "is_string_view", None), getattr(pa.types, "is_binary_view", None)
    if not all(types) or not isinstance(data, (pa.Table, pa.RecordBatch, pa.RecordBatchReader)):
        return data

    def plain(dtype: Any) -> Any:
        if pa.types.is_dictionary(dtype):
            return pa.dictionary(dtype.index_type, plain(dtype.value_type), dtype.ordered)
        if types[0](dtype):
            return pa.large_string()
        return pa.large_binary() if types[1](dtype) else dtype

    schema = data.schema
    fields = [field.with_type(plain(field.type)) for field in schema]
    if [field.type for field in fields] == schema.types:
        return data

    def column(array: Any, dtype: Any) -> Any:
        if not pa.types.is_dictionary(array.type) or array.type == dtype:
            return array.cast(dtype)
        levels = array.dictionary.cast(dtype.value_type)
        return pa.DictionaryArray.from_arrays(array.indices, levels, ordered=dtype.ordered)

    def batch(rows: Any) -> Any:
        arrays = [column(a, f.type) for a, f in zip(rows.columns, fields)]
        return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))

    batches = [data] if isinstance(data, pa.RecordBatch) else data
    batches = batches.to_batches() if isinstance(data, pa.Table) else batches
    return pa.RecordBatchReader.from_batches(pa.schema(fields), map(batch, batches))
