from __future__ import annotations

import resource
from pathlib import Path

import click

from bench import client, stack, targets, usage, visits

VAR = stack.VAR

@click.command()
@click.option("--only", multiple=True)
@click.option("--clients", default="4")
@click.option("--seconds", default=5.0)
@click.option("--port", default=7240)
def main(only, clients, seconds, port):
    with stack.prepared(VAR, port) as st, stack.serving(st, log=VAR / "web.log") as web:
        for what in only or ("home", "listing", "product", "order"):
            for count in map(int, clients.split(",")):
                if what == "order":
                    flows = [visits.buy(st.name, targets.of("product"), n) for n in range(count)]
                    name = "thanks"
                else:
                    flows = [visits.look(st.name, what, targets.of(what), n) for n in range(count)]
                    name = what
                before, after = {}, {}
                def note(d):
                    d["web"] = usage.cpu(web); d["pg"] = usage.cpu(st.postgres)
                    own = resource.getrusage(resource.RUSAGE_SELF); d["client"] = own.ru_utime + own.ru_stime
                tally = client.run(st.address, flows, seconds=seconds, started=lambda: note(before), ended=lambda: note(after))
                n = len(tally.times[name])
                print(f"{what:8} {count:3} {tally.rate(name):8.1f}/s p50 {tally.quantile(name,.5)*1e3:7.2f} p99 {tally.quantile(name,.99)*1e3:7.2f} ms;  CPU ms each:",
                    " ".join(f"{k} {(after[k]-before[k])/n*1e3:.3f}" for k in before), f"{tally.bytes/n/1e3:.1f} kB", flush=True)
                if what == "order":
                    for k, v in tally.times.items():
                        print(f"    {k:8} p50 {tally.quantile(k,.5)*1e3:7.2f}")
        print("memory", [(r >> 20, p >> 20) for r, p in usage.memory(web)])


main()
