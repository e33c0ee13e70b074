# The workflow with its pinned packages: docker build -t meanfield . && docker run -v "$PWD/results:/meanfield/results" meanfield
# Runs as root in the container; results/ must be a folder that it may write. Not built by the project's tests.
FROM python:3.12-slim

WORKDIR /meanfield
COPY requirements.lock .
RUN pip install --no-cache-dir --require-hashes --requirement requirements.lock
COPY workflow workflow
COPY scripts scripts
COPY config config
COPY envs envs

ENTRYPOINT ["snakemake"]
CMD ["--cores", "all"]
