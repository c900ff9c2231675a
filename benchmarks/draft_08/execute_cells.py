import re,sys,os,time,io
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL","3")
import matplotlib; matplotlib.use("Agg")
src=open(sys.argv[1]).read()
lo,hi=(int(v) for v in sys.argv[2].split("-")) if len(sys.argv)>2 else (0,99)
skip=set(int(v) for v in sys.argv[3].split(",")) if len(sys.argv)>3 else set()
from aigc_course import data, plots
real=data.asset
mock={"fine_tuning.csv":"/tmp/w/s08_mock_ft.csv","preferences.csv":"/tmp/w/s08_mock_pr.csv"}
from pathlib import Path
if os.environ.get("MOCK"): data.asset=lambda n: Path(mock[n]) if n in mock else real(n)
N=[0]
def show(fig,alt=None,**k):
    fig.savefig(f"/tmp/w/s08_f{cell:02d}.png",dpi=60,bbox_inches="tight"); import matplotlib.pyplot as p; p.close(fig)
plots.show=show
import ast
cells=re.split(r"(?m)^# %%",src)[1:]
ns={"__name__":"__main__"}
for cell,x in enumerate(cells):
    h,body=x.split("\n",1)
    if "markdown" in h or "cellView" in h or cell in skip or not lo<=cell<=hi: continue
    t0=time.time(); c0=time.process_time()
    try:
        tree=ast.parse(body); last=None
        if tree.body and isinstance(tree.body[-1],ast.Expr): last=ast.Expression(tree.body.pop().value)
        exec(compile(tree,f"cell{cell}","exec"),ns)
        if last is not None:
            v=eval(compile(last,f"cell{cell}","eval"),ns)
            if v is not None: print(repr(v)[:1500])
    except Exception as e:
        import traceback; traceback.print_exc(limit=4)
    print(f"--- cell {cell} {time.time()-t0:.1f} s, cpu {time.process_time()-c0:.1f}",flush=True)
