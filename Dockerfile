# Images of usher's binaries: one target each, `docker build --target usher .`
# Without a Docker daemon, `make image` packs the same folders with what the last
# stages say. Every RUN is a make target that `make test` runs too (checked by
# tools/lint-dockerfile), so what builds in CI builds here.
ARG GO_VERSION=1.26.8

FROM --platform=$BUILDPLATFORM golang:${GO_VERSION}-bookworm AS source
ARG TARGETOS TARGETARCH VERSION=devel
ENV GOOS=$TARGETOS GOARCH=$TARGETARCH VERSION=$VERSION
WORKDIR /src
COPY . .

FROM source AS build-usher
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build make rootfs-usher

FROM source AS build-usher-webhook
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build make rootfs-usher-webhook

# The target's own compiler and libc: with cgo, building for another machine than
# this one needs them.
FROM golang:${GO_VERSION}-bookworm AS build-usher-agent
ARG VERSION=devel
ENV VERSION=$VERSION
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build make rootfs-usher-agent

FROM source AS build-usher-extender
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build make rootfs-usher-extender

FROM source AS build-usher-controller
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build make rootfs-usher-controller

# One static binary and nothing else: tools/rootfs.
FROM scratch AS usher
COPY --from=build-usher /src/bin/rootfs/usher/ /
USER 65532:65532
ENTRYPOINT ["/usher"]

# With the libc that it was built with, to load the node's libnvidia-ml with.
# Root, because the kubelet's socket is root's alone.
FROM scratch AS usher-agent
COPY --from=build-usher-agent /src/bin/rootfs/usher-agent/ /
USER 0:0
ENTRYPOINT ["/usher-agent"]

FROM scratch AS usher-extender
COPY --from=build-usher-extender /src/bin/rootfs/usher-extender/ /
USER 65532:65532
EXPOSE 9444
ENTRYPOINT ["/usher-extender"]

FROM scratch AS usher-controller
COPY --from=build-usher-controller /src/bin/rootfs/usher-controller/ /
USER 65532:65532
ENTRYPOINT ["/usher-controller"]

# The last target is the default one.
FROM scratch AS usher-webhook
COPY --from=build-usher-webhook /src/bin/rootfs/usher-webhook/ /
# A number, because runAsNonRoot cannot look a name up.
USER 65532:65532
EXPOSE 9443
ENTRYPOINT ["/usher-webhook"]
