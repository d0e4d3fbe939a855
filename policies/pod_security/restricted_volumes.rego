package usher.pod_security

# Volumes of other types than these mount storage of the pod's choice with the node's rights.
_forbidden_volumes(profile) := _restricted_volumes if profile.level == "restricted"

_restricted_volumes contains _violation("restrictedVolumes", msg, path) if {
	some i, _ in input.pod.spec.volumes
	not _unrestricted_volume(i)
	some type, pointer in _restricted_sources_of(i)
	msg := sprintf("volume type is %s; use one of %s", [type, concat(", ", _unrestricted_sources)])
	path := sprintf("/spec/volumes/%v%s", [i, pointer])
}

# Kubernetes' evaluator passes a volume that has both an allowed source and another; the API server
# refuses it.
_unrestricted_volume(i) if {
	some source in _unrestricted_sources
	is_object(input.pod.spec.volumes[i][source])
}

# The most common ones first, for they are tried in order.
_unrestricted_sources := [
	"projected",
	"configMap",
	"emptyDir",
	"secret",
	"persistentVolumeClaim",
	"downwardAPI",
	"csi",
	"ephemeral",
	"image",
]

# The sources that make a volume a restricted one, each with its pointer below the volume.
_restricted_sources_of(i) := sources if {
	sources := {source: concat("/", ["", source]) |
		some source in _restricted_sources
		is_object(input.pod.spec.volumes[i][source])
	}
	count(sources) > 0
} else := {"not known": ""}

_restricted_sources := {
	"awsElasticBlockStore",
	"azureDisk",
	"azureFile",
	"cephfs",
	"cinder",
	"fc",
	"flexVolume",
	"flocker",
	"gcePersistentDisk",
	"gitRepo",
	"glusterfs",
	"hostPath",
	"iscsi",
	"nfs",
	"photonPersistentDisk",
	"portworxVolume",
	"quobyte",
	"rbd",
	"scaleIO",
	"storageos",
	"vsphereVolume",
}
