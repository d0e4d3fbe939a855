# Images of usher's binaries: one target each, `docker build --target usher .`
# Every RUN is a make target that `make test` runs too (checked by
# tools/lint-dockerfile), so what builds in CI builds here.
ARG GO_VERSION=1.26.8

FROM --platform=$BUILDPLATFORM golang:${GO_VERSION}-bookworm AS source
ARG TARGETOS TARGETARCH VERSION=devel
ENV GOOS=$TARGETOS GOARCH=$TARGETARCH VERSION=$VERSION
WORKDIR /src
COPY . .

FROM source AS build-usher
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build make usher

FROM source AS build-usher-webhook
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build make usher-webhook

# The target's own compiler: with cgo, building for another machine than this
# one needs it.
FROM golang:${GO_VERSION}-bookworm AS build-usher-agent
ARG VERSION=devel
ENV VERSION=$VERSION
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build make usher-agent

FROM source AS build-usher-extender
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build make usher-extender

FROM source AS build-usher-controller
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build make usher-controller

# No shell, no package manager: certificates, time zones and one static binary.
FROM gcr.io/distroless/static-debian12:nonroot AS usher
COPY --from=build-usher /src/bin/usher /usher
USER 65532:65532
ENTRYPOINT ["/usher"]

# With the libc of the release that it was built on, to load the node's
# libnvidia-ml with. Root, because the kubelet's socket is root's alone.
FROM gcr.io/distroless/base-debian12 AS usher-agent
COPY --from=build-usher-agent /src/bin/usher-agent /usher-agent
USER 0:0
ENTRYPOINT ["/usher-agent"]

FROM gcr.io/distroless/static-debian12:nonroot AS usher-extender
COPY --from=build-usher-extender /src/bin/usher-extender /usher-extender
USER 65532:65532
EXPOSE 9444
ENTRYPOINT ["/usher-extender"]

FROM gcr.io/distroless/static-debian12:nonroot AS usher-controller
COPY --from=build-usher-controller /src/bin/usher-controller /usher-controller
USER 65532:65532
ENTRYPOINT ["/usher-controller"]

# The last target is the default one.
FROM gcr.io/distroless/static-debian12:nonroot AS usher-webhook
COPY --from=build-usher-webhook /src/bin/usher-webhook /usher-webhook
# A number, because runAsNonRoot cannot look a name up.
USER 65532:65532
EXPOSE 9443
ENTRYPOINT ["/usher-webhook"]
