import pandas as pd, numpy as np, pyarrow as pa, pyarrow.parquet as pq, pyarrow.feather as fe, pyarrow.ipc as ipc
import gzip, zstandard, datetime as dt, decimal as d, os
o = os.path.dirname(os.path.abspath(__file__)) + '/'  # written with pandas 3.1.1 and pyarrow 26.0.1
n=40
r=np.random.RandomState(0)
df=pd.DataFrame({
 'number':[None if i%7==3 else round(i*1.25-10,2) for i in range(n)],
 'whole':list(range(n)),
 'city':[None if i%11==5 else ['Köln','São Paulo','New York, NY','quote "x"','line\nbreak'][i%5] for i in range(n)],
 'when':[pd.Timestamp('2024-01-02 03:04:05.678')+pd.Timedelta(hours=7*i) for i in range(n)],
 'code':['%05d'%(i%9) for i in range(n)],
 'flag':['yes' if i%2 else 'no' for i in range(n)],
})
df['when']=df['when'].astype('datetime64[ms]')
df.to_csv(o+'pandas.csv',index=False)
df.to_csv(o+'pandas.csv.gz',index=False)
df.to_csv(o+'pandas_semicolon_comma.csv',index=False,sep=';',decimal=',')
df.to_csv(o+'pandas_utf16.csv',index=False,encoding='utf-16')
df.to_csv(o+'pandas_latin1.csv',index=False,encoding='latin-1')
df.to_csv(o+'pandas_crlf.tsv',index=False,sep='\t',lineterminator='\r\n')
df.to_csv(o+'pandas_quoted.csv',index=False,quoting=1)
open(o+'pandas.csv.zst','wb').write(zstandard.compress(open(o+'pandas.csv','rb').read()))
raw=open(o+'pandas.csv','rb').read(); k=len(raw)//2
open(o+'two_members.csv.gz','wb').write(gzip.compress(raw[:k],mtime=0)+gzip.compress(raw[k:],mtime=0))
df.to_json(o+'pandas.jsonl',orient='records',lines=True,date_format='iso')
df.to_json(o+'pandas.json',orient='records',date_format='iso')
t=pa.Table.from_pandas(df,preserve_index=False)
for c in ['snappy','zstd','lz4']:
    pq.write_table(t,o+f'pyarrow_{c}.parquet',compression=c,row_group_size=16)
fe.write_feather(t,o+'pyarrow_lz4.feather',compression='lz4')
fe.write_feather(t,o+'pyarrow_plain.arrow',compression='uncompressed',chunksize=16)
with ipc.new_stream(o+'pyarrow_stream.arrows',t.schema) as w:
    w.write_table(t,max_chunksize=16)
# every type
ts=dt.datetime(2024,1,2,3,4,5,678000)
types=pa.table({
 'i8':pa.array([1,None,-3],pa.int8()),'u8':pa.array([1,None,255],pa.uint8()),
 'i16':pa.array([1,None,-30000],pa.int16()),'u16':pa.array([1,None,65535],pa.uint16()),
 'i32':pa.array([1,None,-2**31],pa.int32()),'u32':pa.array([1,None,2**32-1],pa.uint32()),
 'i64':pa.array([1,None,-2**53],pa.int64()),'u64':pa.array([1,None,2**53],pa.uint64()),
 'big':pa.array([2**53+1,None,5],pa.int64()),'ubig':pa.array([2**64-1,None,5],pa.uint64()),
 'f16':pa.array([np.float16(0.5),None,np.float16(-65504)],pa.float16()),
 'f32':pa.array([0.5,None,-1.25],pa.float32()),'f64':pa.array([0.1,None,float('inf')],pa.float64()),
 'bool':pa.array([True,None,False]),
 'dec':pa.array([d.Decimal('1.10'),None,d.Decimal('-22.05')],pa.decimal128(7,2)),
 'decwide':pa.array([d.Decimal('1.10'),None,d.Decimal('-22222222222222222222.05')],pa.decimal128(30,2)),
 'date':pa.array([dt.date(2024,1,2),None,dt.date(1969,12,31)]),
 'ts_s':pa.array([ts.replace(microsecond=0),None,dt.datetime(1969,12,31)],pa.timestamp('s')),
 'ts_ms':pa.array([ts,None,dt.datetime(1969,12,31)],pa.timestamp('ms')),
 'ts_us':pa.array([ts,None,dt.datetime(1969,12,31)],pa.timestamp('us','Europe/Berlin')),
 'ts_ns':pa.array([ts,None,dt.datetime(1969,12,31)],pa.timestamp('ns')),
 'time':pa.array([dt.time(3,4,5,678000),None,dt.time(0,0)],pa.time64('us')),
 'text':pa.array(['a',None,'']),'large':pa.array(['a',None,'ö'],pa.large_string()),
 'dict':pa.array(['x',None,'x']).dictionary_encode(),
 'null':pa.array([None,None,None],pa.null()),
 'list':pa.array([[1],None,[2,3]]),'struct':pa.array([{'a':1},None,{'a':2}]),
 'binary':pa.array([b'\xff\x00',None,b'x'],pa.binary()),
})
pq.write_table(types,o+'types.parquet')
pq.write_table(types,o+'types_v1.parquet',version='1.0',use_deprecated_int96_timestamps=True,data_page_version='1.0',store_schema=False) 
pq.write_table(types,o+'types_v2.parquet',version='2.6',data_page_version='2.0',use_dictionary=False)
fe.write_feather(types.drop_columns([]),o+'types.feather',compression='zstd')
# Spans of time, which Parquet itself does not know: 0 s, 1.5 s, missing, 1 d 1 h 1 min 1.25 s.
spans=[0,1500,None,90061250]
per_ms={'s':1/1000,'ms':1,'us':1000,'ns':1000000}
names={'s':'seconds','ms':'milliseconds','us':'microseconds','ns':'nanoseconds'}
durations=pa.table({
 **{names[u]:pa.array([None if v is None else int(v*k) for v in spans],pa.duration(u)) for u,k in per_ms.items()},
 'count':pa.array([0,1500000,None,7],pa.int64()),
})
pq.write_table(durations,o+'durations.parquet',compression='none')
with pa.OSFile(o+'durations.arrow','wb') as f:
    with pa.ipc.new_file(f,durations.schema) as w: w.write_table(durations)
