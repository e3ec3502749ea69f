"""What is inside a file, shown without running, unpickling or trusting any of it.

`open_preview(source, path)` never raises and reads a bounded part of the file; it gives a `Preview`: a frozen record of
sections that `layout` turns into rows of text and `pane` shows. The texts in a preview are as hostile as the file: they
are bounded in length, and cleaned where they are drawn.

Bounds (a larger file shows its beginning, and says so):

| kind | reads | shows |
|---|---|---|
| text, code, logs | 256 KiB | 5,000 lines of 2,000 characters |
| JSON | 8 MiB, 300,000 values | 5,000 lines, 64 levels |
| JSON lines, CSV, W&B tables | 256 KiB (tables: 8 MiB) | 1,000 rows, 200 columns of 200 characters |
| npy, npz | header 64 KiB, 64 KiB of values | 1,000 values; 100 members |
| safetensors, GGUF, ONNX | 8 MiB of header | 1,000 tensors |
| pickles (torch, joblib) | 2 MiB of opcodes, none executed | 2,000 lines; every global named |
| Parquet, Arrow (with pyarrow) | 32 MiB | schema, 1,000 rows |
| pictures | 32 MiB, 50 million pixels | at most 640 pixels wide and high |
| WAV | 2 million frames | 200 columns |
| anything else | 4 KiB | as hexadecimal |
"""
