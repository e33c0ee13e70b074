"""The paper's claims, judged: members.csv, indices.csv over seeds and claims.yaml in; verdicts and figures out."""

from meanfield.jobs.step import step

with step(snakemake) as job:
    from pathlib import Path

    from meanfield.data import storage
    from meanfield.ensemble import claims, members
    from meanfield.figures import ensembles, pages, style, tables
    from meanfield.model.registry import learn

    learn(job.params.activations)
    tasks = dict.fromkeys(task for named in job.params.axes.values() for task in named)
    stated, level, published = claims.read(job.input.claims, tasks)
    each = storage.read_table(job.input.members)
    comparisons = claims.comparisons(stated, each, job.params.axes, level, published)
    comparisons.to_csv(job.output.comparisons, index=False)
    verdicts = claims.verdicts(stated, comparisons).assign(source=", ".join(each.source.unique()))
    verdicts.to_csv(job.output.csv, index=False)
    Path(job.output.markdown).write_text(claims.markdown(verdicts))
    title = "Claims, judged" if job.params.own else "The paper's claims, restated in this project's words, judged"
    Path(job.output.html).write_text(pages.sortable(verdicts, title))
    indices = tables.by_run(members.drawn, job.input.indices)
    for claim, *paths in zip(stated, job.output.png, job.output.pdf, strict=True):
        style.save(ensembles.of_claim(claim, indices, each, comparisons, job.params.axes["seeds"]), *paths)
    for claim in verdicts.itertuples():
        job.say(f"{claim.verdict}: {claim.statement}")
