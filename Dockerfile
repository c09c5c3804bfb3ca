# StellarChat: daemon, command line program and web page.
#
#   docker build -t stellarchat .
#   docker run --rm -p 8080:8080 -v /path/to/model:/models:ro stellarchat
#
# All stages are Debian 12, so that what is linked in one exists in the other.

FROM swift:6.2-bookworm AS programs
RUN apt-get update \
    && apt-get install -y --no-install-recommends libblas-dev liblapacke-dev libopenblas-dev libsqlite3-dev zlib1g-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY Package.* ./
RUN swift package resolve
COPY Sources Sources
COPY Tests Tests
RUN swift build -c release --static-swift-stdlib --product stellarchatd \
    && swift build -c release --static-swift-stdlib --product stellarchat \
    && install -D -t /stage "$(swift build -c release --static-swift-stdlib --show-bin-path)"/stellarchatd \
        "$(swift build -c release --static-swift-stdlib --show-bin-path)"/stellarchat

FROM debian:bookworm-slim AS web
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates python3 python3-venv \
        nodejs esbuild node-react node-react-dom node-typescript node-marked node-highlight.js katex libjs-katex \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY frontend frontend
RUN frontend/scripts/build

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends libopenblas0 liblapacke libsqlite3-0 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --home-dir /nonexistent --shell /usr/sbin/nologin stellarchat \
    && install -d -o stellarchat -g stellarchat -m 0700 /data
COPY --from=programs /stage /usr/local/lib/stellarchat
COPY --from=web /source/frontend/dist /usr/local/lib/stellarchat/web
RUN ln -s /usr/local/lib/stellarchat/stellarchat /usr/local/lib/stellarchat/stellarchatd /usr/local/bin/
USER stellarchat
ENV MODEL_PATH=/models HOST=0.0.0.0 PORT=8080 WEB_ROOT=/usr/local/lib/stellarchat/web DATA_DIR=/data
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["bash", "-c", "exec 3<>\"/dev/tcp/127.0.0.1/$PORT\" && { [ -n \"$TLS_CERTIFICATE\" ] || { printf 'GET /api/health HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n' >&3 && head -n 1 <&3 | grep -q ' 200 '; }; }"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["stellarchatd"]
