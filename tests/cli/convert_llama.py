"""Compares the encoder's states that llama.cpp computes with those that t5k has dumped.

    convert_llama.py TOLERANCE MODEL.gguf DUMP.safetensors ID...

Exits with 1 where any two numbers differ by more than the tolerance. Needs llama-cpp-python."""
import ctypes
import json
import struct
import sys

import llama_cpp
import numpy


@llama_cpp.llama_log_callback
def silent(_level, _text, _data):
    pass


def encode(path, ids):
    """[len(ids), n_embd]: the states after the encoder's final norm."""
    llama_cpp.llama_log_set(silent, ctypes.c_void_p(0))
    llama_cpp.llama_backend_init()
    model = llama_cpp.llama_model_load_from_file(path.encode(), llama_cpp.llama_model_default_params())
    if not model:
        sys.exit(f"{path}: llama.cpp does not load it")
    params = llama_cpp.llama_context_default_params()
    params.n_ctx = params.n_batch = params.n_ubatch = 512
    params.embeddings = True
    params.pooling_type = llama_cpp.LLAMA_POOLING_TYPE_NONE
    context = llama_cpp.llama_init_from_model(model, params)
    batch = llama_cpp.llama_batch_init(len(ids), 0, 1)
    batch.n_tokens = len(ids)
    for i, token in enumerate(ids):
        batch.token[i], batch.pos[i], batch.n_seq_id[i], batch.logits[i] = token, i, 1, 1
        batch.seq_id[i][0] = 0
    if llama_cpp.llama_encode(context, batch) != 0:
        sys.exit(f"{path}: llama.cpp does not encode")
    shape = (len(ids), llama_cpp.llama_model_n_embd(model))
    return numpy.ctypeslib.as_array(llama_cpp.llama_get_embeddings(context), shape=(shape[0] * shape[1],)).reshape(shape)


def dumped(path):
    with open(path, "rb") as file:
        data = file.read()
    start = 8 + struct.unpack("<Q", data[:8])[0]
    entry = json.loads(data[8:start])["encoder_hidden"]
    first, last = entry["data_offsets"]
    return numpy.frombuffer(data[start + first : start + last], numpy.float32).reshape(entry["shape"])


tolerance, model_path, dump_path, *tokens = sys.argv[1:]
difference = numpy.abs(encode(model_path, [int(token) for token in tokens]) - dumped(dump_path)).max()
print(f"largest difference {difference:g}")
sys.exit(0 if difference <= float(tolerance) else 1)
