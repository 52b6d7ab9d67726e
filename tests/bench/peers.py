#!/usr/bin/env python3
"""t5k and its peers on the same weights and prompts, in turn, as ratios of one run.

    peers.py MODEL PROMPTS [--requests build/release/tests/bench/requests] [--peers ct2-fp32,hf-fp32,...] [--works eval,encode,ask,beam,long]
                           [--rounds 3] [--threads 2]
    peers.py MODEL PROMPTS --check [plain,avx2,...] [--compute f32|q8]

MODEL: a folder in Hugging Face form, T5-base's shape for the README's table. PROMPTS: one prompt a line, ids separated by spaces.
Works: see tests/bench/requests.c; the peers do long-topk as long. Each figure is the median of five runs after a warm-up, in a process of its own; a round runs every program
once, and the table shows the median over rounds, the ratio to each peer, the share of generated ids that agree, and the peak memory.
t5k runs in the arithmetic of --compute; "t5k-q8" among the peers is its other. Python packages for the peers: torch, transformers, ctranslate2.
A peer that is not installed is left out and named. Where OPENBLAS_CORETYPE or OPENBLAS_L2_SIZE are set, the peers run without them.
--check compares no times but t5k's generated ids with those of other ways to the same: "plain" computes every score that screening by 8-bit
copies rules out (f32 only), the others are instruction sets (T5K_ISA). Exit status 1 if one id differs or a way fails."""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

RUNS = 5
BATCH = 8


def cut(prompt, length):
    return prompt[:length - 1] + [1]


def work(name, prompts):
    """-> (prompts, new tokens, beams)"""
    if name == 'eval':
        return sorted(prompts, key=len), 8, 1
    if name == 'encode':
        return [next(p for p in prompts if len(p) == 512)], 1, 1
    if name.startswith('long'):
        return [cut(sum((p[:-1] for p in prompts), []) + [1], int(name.partition('=')[2] or 4096))], 1, 1
    return [cut(prompts[0], 64)], 16, 4 if name == 'beam' else 1


def transformers_runner(model, kind, threads):
    import torch
    from transformers import T5ForConditionalGeneration
    torch.set_num_threads(threads)
    t5 = T5ForConditionalGeneration.from_pretrained(model, dtype=torch.bfloat16 if kind == 'bf16' else torch.float32).eval()

    def run(prompts, new, beams):
        out = []
        for first in range(0, len(prompts), BATCH):
            batch = prompts[first:first + BATCH]
            width = max(map(len, batch))
            ids = torch.tensor([p + [0] * (width - len(p)) for p in batch])
            mask = torch.tensor([[1] * len(p) + [0] * (width - len(p)) for p in batch])
            with torch.inference_mode():
                out += t5.generate(input_ids=ids, attention_mask=mask, min_new_tokens=new, max_new_tokens=new, num_beams=beams,
                                   do_sample=False)[:, 1:].tolist()
        return out
    return run


def ctranslate2_runner(model, kind, threads):
    import ctranslate2
    from ctranslate2.converters import TransformersConverter
    stored = 'int8_float32' if kind == 'int8' else 'float32'
    folder = os.path.join(model, 'ct2-' + stored)
    if not os.path.exists(folder):
        TransformersConverter(model).convert(folder, quantization=stored)
    names = json.load(open(os.path.join(folder, 'shared_vocabulary.json')))
    number = {name: i for i, name in enumerate(names)}
    compute = {'fp32': 'float32', 'int8': 'int8_float32', 'bf16': 'bfloat16'}[kind]
    translator = ctranslate2.Translator(folder, device='cpu', inter_threads=1, intra_threads=threads, compute_type=compute)

    def run(prompts, new, beams):
        tokens = [[names[i] for i in p] for p in prompts]
        results = translator.translate_batch(tokens, beam_size=beams, min_decoding_length=new, max_decoding_length=new,
                                             max_batch_size=BATCH, max_input_length=0)
        return [[number[t] for t in r.hypotheses[0]] for r in results]
    return run


def child(peer, name, model, prompts_file, threads, ids_file):
    """One peer, one work, in this process: prints the JSON line that requests prints."""
    import resource
    library, kind = peer.split('-')
    prompts = [[int(i) for i in line.split()] for line in open(prompts_file)]
    run = (transformers_runner if library == 'hf' else ctranslate2_runner)(model, kind, threads)
    job = work(name, prompts)
    ids, seconds = run(*job), []
    for _ in range(RUNS):
        begin = time.perf_counter()
        run(*job)
        seconds.append(time.perf_counter() - begin)
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i])) if name == 'eval' else range(len(ids))
    json.dump([row for _, row in sorted(zip(order, ids))], open(ids_file, 'w'))
    print(json.dumps(dict(median_s=statistics.median(seconds), peak_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)))


def measure(program, name, a, scratch, way=None):
    """-> figures, ids; or None"""
    ids_file = os.path.join(scratch, 'ids')
    env = {k: v for k, v in os.environ.items() if k not in ('OPENBLAS_CORETYPE', 'OPENBLAS_L2_SIZE')}
    if way and way != 'plain':
        env['T5K_ISA'] = way
    if program.startswith('t5k'):
        command = [a.requests, '--threads', str(a.threads), '--compute', program[4:] or a.compute, '--ids', ids_file, a.model, a.prompts, name]
        command += (['--runs', '1'] if a.check else []) + (['--plain'] if way == 'plain' else [])
    else:
        command = [sys.executable, __file__, a.model, a.prompts, '--threads', str(a.threads), '--child', program, name, ids_file]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    if done.returncode != 0:
        print(f'{program} {name}: left out: {done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "failed"}', file=sys.stderr)
        return None
    figures = json.loads(done.stdout.strip().splitlines()[-1])
    text = open(ids_file).read()
    ids = [[int(i) for i in line.split()] for line in text.splitlines()] if program.startswith('t5k') else json.loads(text)
    return figures, ids


def agreement(a, b):
    pairs = [(x, y) for p, q in zip(a, b) for x, y in zip(p, q)]
    return sum(x == y for x, y in pairs) / max(1, len(pairs))


def check(a):
    """Whether t5k's ids are the same in every way."""
    same = True
    with tempfile.TemporaryDirectory() as scratch:
        for name in a.works.split(','):
            own = measure('t5k', name, a, scratch)
            for way in a.check.split(','):
                other = measure('t5k', name, a, scratch, way)
                equal = own is not None and other is not None and own[1] == other[1]
                same = same and equal
                if own is not None and other is not None:
                    print(f'{name}: {len(own[1])} answers, {sum(map(len, own[1]))} ids, {"equal to" if equal else "NOT those of"} {way}', flush=True)
    return same


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('model')
    parser.add_argument('prompts')
    parser.add_argument('--requests', default='build/release/tests/bench/requests')
    parser.add_argument('--peers', default='ct2-fp32,ct2-int8,hf-fp32,hf-bf16')
    parser.add_argument('--works', default='eval,encode,ask,beam')
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--compute', choices=['f32', 'q8'], default='f32')
    parser.add_argument('--check', nargs='?', const='plain', metavar='WAY,...')
    parser.add_argument('--child', nargs=3, help=argparse.SUPPRESS)
    a = parser.parse_args()
    if a.child:
        child(a.child[0], a.child[1], a.model, a.prompts, a.threads, a.child[2])
        return
    if a.check:
        sys.exit(0 if check(a) else 1)
    programs = ['t5k'] + a.peers.split(',')
    print('| work | program | seconds | t5k / it | ids equal | peak MiB |\n| --- | --- | --- | --- | --- | --- |')
    with tempfile.TemporaryDirectory() as scratch:
        for name in a.works.split(','):
            rounds = [{p: m for p in programs if (m := measure(p, name, a, scratch))} for _ in range(a.rounds)]
            if not all('t5k' in r for r in rounds):
                sys.exit(f'{name}: nothing to compare with')
            ours = statistics.median(r['t5k'][0]['median_s'] for r in rounds)
            for p in programs:
                figures = [r[p] for r in rounds if p in r]
                if not figures:
                    continue
                seconds = statistics.median(f[0]['median_s'] for f in figures)
                same, peak = agreement(rounds[0]['t5k'][1], figures[0][1]), max(f[0]['peak_mib'] for f in figures)
                print(f'| {name} | {p} | {seconds:.3f} | {ours / seconds:.2f} | {100 * same:.1f} % | {peak} |', flush=True)


if __name__ == '__main__':
    main()
