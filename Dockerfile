# The service in a small image: no compiler, no root, no connection while it runs.
#
#   docker build --tag search .
#   docker run --rm -p 127.0.0.1:8080:8080 -v "$PWD:/data:ro" search
#
# /data holds `index`, `model` and `tokens` (lines `read TOKEN` or `write TOKEN`). docs/guides/tools.md says more.

FROM python:3.12-slim AS build
# torch for processors; for another one give its index: --build-arg TORCH_INDEX=...
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
RUN python -m venv /opt/opticlir \
    && /opt/opticlir/bin/pip install --no-cache-dir torch==2.13.0 --index-url "$TORCH_INDEX"
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN /opt/opticlir/bin/pip install --no-cache-dir ".[embedded,mcp,service]"

FROM python:3.12-slim
COPY --from=build /opt/opticlir /opt/opticlir
ENV PATH=/opt/opticlir/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HF_HUB_OFFLINE=1 \
    NUMBA_CACHE_DIR=/tmp/numba \
    OPTICLIR_CACHE=/tmp/opticlir
RUN useradd --uid 10001 --create-home opticlir
USER 10001
WORKDIR /data
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/readyz', timeout=4)"]
ENTRYPOINT ["opticlir"]
CMD ["serve", "index", "--model", "model", "--host", "0.0.0.0", "--port", "8080", "--token-file", "tokens"]
