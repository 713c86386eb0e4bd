# One image for every service; the command says which.
FROM python:3.11.14-slim-bookworm

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1

# scikit-learn and onnxruntime compute with OpenMP.
RUN apt-get update && apt-get install --yes --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/* \
    && useradd --system --create-home --home-dir /var/lib/shopstream shopstream \
    && install --directory --owner shopstream /var/lib/shopstream/process

WORKDIR /opt/shopstream
COPY . .
RUN pip install --constraint constraints.txt .

USER shopstream
WORKDIR /var/lib/shopstream
ENTRYPOINT ["shopstream"]
CMD ["--help"]
