# Debian, not Alpine: Tink has no wheels for musl.
FROM python:3.13.16-slim-trixie AS packages
COPY requirements-server.lock .
RUN python -m venv /venv \
    && /venv/bin/python -m pip install --no-cache-dir --disable-pip-version-check \
       --require-hashes -r requirements-server.lock

FROM python:3.13.16-slim-trixie
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    STATIC_ROOT=/srv/site/static \
    PAGES_ROOT=/srv/site/pages
# collectstatic writes to a volume, not to the image: the help pages name the operator, who is known
# from the settings only. The volume takes the owner of this folder.
RUN useradd --system --uid 10001 --no-create-home app \
    && install --directory --owner app --group app /srv/site
WORKDIR /app
COPY --from=packages /venv /venv
COPY . .
RUN python -m compileall -q .
USER app
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=10s --start-period=20s CMD ["python", "-m", "config.healthcheck"]
CMD ["python", "-m", "gunicorn", "config.wsgi", "--workers", "2", "--threads", "4", "--no-control-socket"]
