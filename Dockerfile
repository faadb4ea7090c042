# One image for every MarketPrism process; docker-compose.yml names the command of each.
# Only production dependencies go in: every file of requirements.lock is checked against its hash, then
# pyproject.toml picks what it needs from those files alone. Redis, NATS and ClickHouse are images of their own.
FROM python:3.12.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
# workers/book/_fast.c is built where there is a compiler; without one books are half as fast.
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
COPY requirements.lock /wheels/
RUN python -m pip download -qq --require-hashes -r /wheels/requirements.lock -d /wheels
COPY . /srv/marketprism
RUN python -m venv /opt/venv \
 && /opt/venv/bin/python -m pip install -qq --no-index --find-links /wheels -e /srv/marketprism

FROM python:3.12.13-slim
COPY --from=build /opt/venv /opt/venv
COPY --from=build /srv/marketprism /srv/marketprism
RUN useradd --system --uid 10001 marketprism && install -d -o marketprism /data
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 MARKETPRISM_DATA_DIR=/data
# `celery -A tasks` and the configuration are found from here.
WORKDIR /srv/marketprism
USER marketprism
CMD ["marketprism", "--help"]
