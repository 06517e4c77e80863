"""The types that comments of helm/verbatim/values.yaml name, as JSON schemas. A type is a word of TYPES, `int A..B`,
`int or empty`, `bool or empty`, `one of A, B` or `list of TYPE`. Objects are closed: a
member that none of them knows is refused.
"""

import re

STRING = {"type": "string"}
LINE = {"type": "string", "pattern": "^[^\\n\\r]*$"}
BOOL = {"type": "boolean"}
OBJECT = {"type": "object"}
QUANTITY = {"type": ["string", "integer"], "pattern": "^[0-9]+(\\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi|T|Ti)?$"}
PORT = {"type": "integer", "minimum": 1, "maximum": 65535}
PERCENT = {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": "^[0-9]{1,3}%$"}]}
NAME = "[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?"
SECRET_KEY = {"type": "string", "pattern": "^[-._a-zA-Z0-9]{1,253}$"}
CRON = {"type": "string", "pattern": "^$|^[-0-9*/,]+( [-0-9A-Za-z*/,]+){4}$"}
HOST = {"type": "string", "pattern": "^(\\*\\.)?[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$"}
PATH = {"type": "string", "pattern": "^/[^\\s]*$"}


def closed(required=(), **members):
    return {"type": "object", "additionalProperties": False, "properties": members,
            **({"required": list(required)} if required else {})}


def array(items):
    return {"type": "array", "items": items}


def members(*names, **known):
    """Of a Kubernetes object whose inner parts the cluster itself judges."""
    return {name: known.get(name, {}) for name in (*names, *known)}


LABELS = {"type": "object", "additionalProperties": STRING,
          "propertyNames": {"pattern": "^([-a-z0-9.]+/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$"}}
KEY_OF = closed(["key"], name=STRING, key=STRING, optional=BOOL)
SECONDS = {"type": "integer", "minimum": 1, "maximum": 3600}
TRIES = {"type": "integer", "minimum": 1, "maximum": 1000}
AMOUNTS = {"type": "object", "additionalProperties": False,
           "properties": {"cpu": {"type": ["string", "integer", "number"]}, "memory": QUANTITY,
                          "ephemeral-storage": QUANTITY}}
SELECTOR = closed(matchLabels=LABELS, matchExpressions=array(closed(
    ["key", "operator"], key=STRING, operator=STRING, values=array(STRING))))
PEER = closed(podSelector=SELECTOR, namespaceSelector=SELECTOR,
              ipBlock=closed(["cidr"], cidr=STRING, **{"except": array(STRING)}))
ENV = closed(["name"], name={"type": "string", "pattern": "^[-._a-zA-Z][-._a-zA-Z0-9]*$"}, value=STRING,
             valueFrom=closed(secretKeyRef=KEY_OF, configMapKeyRef=KEY_OF, fieldRef=OBJECT, resourceFieldRef=OBJECT))
CONTAINER = closed(["name", "image"], **members(
    "lifecycle", "livenessProbe", "readinessProbe", "startupProbe", "resources", "securityContext", "restartPolicy",
    "resizePolicy", "terminationMessagePath", "terminationMessagePolicy", "volumeDevices", "workingDir", "stdin", "tty",
    name=STRING, image=STRING, imagePullPolicy=STRING, command=array(STRING), args=array(STRING), env=array(ENV),
    envFrom=array(OBJECT), ports=array(OBJECT), volumeMounts=array(OBJECT)))
VOLUME = closed(["name"], name=STRING, **{source: OBJECT for source in (
    "awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "configMap", "csi", "downwardAPI", "emptyDir",
    "ephemeral", "fc", "hostPath", "image", "iscsi", "nfs", "persistentVolumeClaim", "projected", "rbd", "secret")})
SCHEDULING = {"requiredDuringSchedulingIgnoredDuringExecution": {},
              "preferredDuringSchedulingIgnoredDuringExecution": array(OBJECT)}

TYPES = {
    "string": LINE,
    "bool": BOOL,
    "object": OBJECT,
    "name": {"type": "string", "pattern": f"^({NAME})?$"},
    "secret name": {"type": "string", "pattern": f"^({NAME})?$"},
    "secret key": SECRET_KEY,
    "repository": {"type": "string", "pattern": "^[a-z0-9][-a-z0-9._/:]*$"},
    "tag": {"type": "string", "pattern": "^([A-Za-z0-9_][-A-Za-z0-9_.]{0,127})?$"},
    "digest": {"type": "string", "pattern": "^(sha256:[0-9a-f]{64})?$"},
    "labels": LABELS,
    "annotations": {"type": "object", "additionalProperties": STRING},
    "quantity": QUANTITY,
    "duration": {"type": "string", "pattern": "^[0-9]+(ms|s|m|h)$"},
    "gateway duration": {"type": "string", "pattern": "^([0-9]{1,5}(h|m|s|ms)){1,4}$"},
    "cron": CRON,
    "host": HOST,
    "path": PATH,
    "int or percent": PERCENT,
    "reference": closed(["name"], name=STRING),
    "resources": closed(requests=AMOUNTS, limits=AMOUNTS),
    "probe": closed(initialDelaySeconds={"type": "integer", "minimum": 0}, periodSeconds=SECONDS,
                    timeoutSeconds=SECONDS, failureThreshold=TRIES, successThreshold=TRIES,
                    terminationGracePeriodSeconds={"type": "integer", "minimum": 1}),
    "update strategy": closed(type={"enum": ["RollingUpdate", "Recreate"]}, rollingUpdate={
        "type": ["object", "null"], "additionalProperties": False,
        "properties": {"maxSurge": PERCENT, "maxUnavailable": PERCENT}}),
    "topology spread": closed(
        ["maxSkew", "topologyKey", "whenUnsatisfiable"], maxSkew={"type": "integer", "minimum": 1}, topologyKey=STRING,
        whenUnsatisfiable={"enum": ["DoNotSchedule", "ScheduleAnyway"]}, labelSelector=SELECTOR,
        minDomains={"type": "integer"}, matchLabelKeys=array(STRING), nodeAffinityPolicy={"enum": ["Honor", "Ignore"]},
        nodeTaintsPolicy={"enum": ["Honor", "Ignore"]}),
    "affinity": closed(**{kind: closed(**SCHEDULING) for kind in ("nodeAffinity", "podAffinity", "podAntiAffinity")}),
    "toleration": closed(key=STRING, operator={"enum": ["Exists", "Equal"]}, value=STRING,
                         effect={"enum": ["NoSchedule", "PreferNoSchedule", "NoExecute"]},
                         tolerationSeconds={"type": "integer"}),
    "env": ENV,
    "env from": closed(prefix=STRING, configMapRef=closed(["name"], name=STRING, optional=BOOL),
                       secretRef=closed(["name"], name=STRING, optional=BOOL)),
    "volume": VOLUME,
    "volume mount": closed(["name", "mountPath"], name=STRING, mountPath=PATH, subPath=STRING, subPathExpr=STRING,
                           readOnly=BOOL, mountPropagation=STRING, recursiveReadOnly=STRING),
    "container": CONTAINER,
    "pod security context": closed(**members(
        "seLinuxOptions", "appArmorProfile", "sysctls", "windowsOptions", runAsNonRoot=BOOL,
        runAsUser={"type": ["integer", "null"]}, runAsGroup={"type": ["integer", "null"]},
        fsGroup={"type": ["integer", "null"]}, fsGroupChangePolicy={"enum": ["OnRootMismatch", "Always"]},
        supplementalGroups=array({"type": "integer"}), supplementalGroupsPolicy=STRING,
        seLinuxChangePolicy=STRING, seccompProfile=closed(["type"], type=STRING, localhostProfile=STRING))),
    "security context": closed(**members(
        "seLinuxOptions", "appArmorProfile", "windowsOptions", runAsNonRoot=BOOL,
        runAsUser={"type": ["integer", "null"]}, runAsGroup={"type": ["integer", "null"]},
        allowPrivilegeEscalation=BOOL, privileged=BOOL, readOnlyRootFilesystem=BOOL, procMount=STRING,
        capabilities=closed(add=array(STRING), drop=array(STRING)),
        seccompProfile=closed(["type"], type=STRING, localhostProfile=STRING))),
    "ingress host": closed(["host"], host=HOST, path=PATH,
                           pathType={"enum": ["Prefix", "Exact", "ImplementationSpecific"]}),
    "ingress tls": closed(secretName=STRING, hosts=array(HOST)),
    "parent": closed(["name"], group=STRING, kind=STRING, name=STRING, namespace=STRING, sectionName=STRING, port=PORT),
    "peer": PEER,
    "egress": closed(enabled=BOOL, ports=array(PORT), to=array(PEER)),
}

INT = re.compile(r"int (\d+)\.\.(\d+)")


def schema_of(kind):
    """The schema of a type's words; KeyError where there is no such type."""
    if kind in TYPES:
        return TYPES[kind]
    if bounds := INT.fullmatch(kind):
        return {"type": "integer", "minimum": int(bounds[1]), "maximum": int(bounds[2])}
    if kind == "bool or empty":
        return {"type": ["boolean", "null"]}
    if kind == "int or empty":
        return {"type": ["integer", "null"], "minimum": 0}
    if kind.startswith("one of "):
        return {"enum": kind.removeprefix("one of ").split(", ")}
    if kind.startswith("list of "):
        return array(schema_of(kind.removeprefix("list of ")))
    raise KeyError(kind)
