/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The types, one line of fields each: `name type flags`, comma between fields.
 *
 *	types   s string, i integer, b boolean, q quantity, t time,
 *	        v integer or string, r anything, Name a struct
 *	        []x a list of x, {}x a map of x
 *	flags   = always written   * empty is a value   @key merges by that key
 *	        @ alone: merges by value
 */
#include "schema_types.h"

#define CONTAINER_FIELDS                                                                           \
	"name s=, image s, command []s, args []s, workingDir s, "                                  \
	"ports []ContainerPort@containerPort, envFrom []EnvFromSource, env []EnvVar@name, "        \
	"resources ResourceRequirements=, resizePolicy []ContainerResizePolicy, restartPolicy "    \
	"s*, "                                                                                     \
	"volumeMounts []VolumeMount@mountPath, volumeDevices []VolumeDevice@devicePath, "          \
	"livenessProbe Probe*, readinessProbe Probe*, startupProbe Probe*, lifecycle Lifecycle*, " \
	"terminationMessagePath s, terminationMessagePolicy s, imagePullPolicy s, "                \
	"securityContext SecurityContext*, stdin b, stdinOnce b, tty b"

#define OBJECT_SOURCE "name s, items []KeyToPath, defaultMode i*, optional b*"

const char *const schema_types[][2] = {
    /* metadata */
    {"ObjectMeta",
     "name s, generateName s, namespace s, selfLink s, uid s, resourceVersion s, generation i, "
     "creationTimestamp t=, deletionTimestamp t*, deletionGracePeriodSeconds i*, labels {}s, "
     "annotations {}s, ownerReferences []OwnerReference@uid, finalizers []s@, "
     "managedFields []ManagedFieldsEntry"},
    {"OwnerReference",
     "apiVersion s=, kind s=, name s=, uid s=, controller b*, blockOwnerDeletion b*"},
    {"ManagedFieldsEntry", "manager s, operation s, apiVersion s, time t*, fieldsType s, "
			   "fieldsV1 r, subresource s"},
    {"LabelSelector", "matchLabels {}s, matchExpressions []LabelSelectorRequirement"},
    {"LabelSelectorRequirement", "key s=, operator s=, values []s"},

    /* namespaces */
    {"Namespace", "metadata ObjectMeta=, spec NamespaceSpec=, status NamespaceStatus="},
    {"NamespaceSpec", "finalizers []s"},
    {"NamespaceStatus", "phase s, conditions []NamespaceCondition@type"},
    {"NamespaceCondition", "type s=, status s=, lastTransitionTime t=, reason s, message s"},

    /* nodes */
    {"Node", "metadata ObjectMeta=, spec NodeSpec=, status NodeStatus="},
    {"NodeSpec", "podCIDR s, podCIDRs []s@, providerID s, unschedulable b, taints []Taint, "
		 "configSource r, externalID s"},
    {"Taint", "key s=, value s, effect s=, timeAdded t*"},
    {"NodeStatus", "capacity {}q, allocatable {}q, phase s, conditions []NodeCondition@type, "
		   "addresses []NodeAddress@type, daemonEndpoints NodeDaemonEndpoints=, "
		   "nodeInfo NodeSystemInfo=, images []ContainerImage, volumesInUse []s, "
		   "volumesAttached []AttachedVolume, config r, runtimeHandlers []r, features r"},
    {"NodeCondition", "type s=, status s=, lastHeartbeatTime t=, lastTransitionTime t=, "
		      "reason s, message s"},
    {"NodeAddress", "type s=, address s="},
    {"NodeDaemonEndpoints", "kubeletEndpoint DaemonEndpoint="},
    {"DaemonEndpoint", "Port i="},
    {"NodeSystemInfo", "machineID s=, systemUUID s=, bootID s=, kernelVersion s=, osImage s=, "
		       "containerRuntimeVersion s=, kubeletVersion s=, kubeProxyVersion s=, "
		       "operatingSystem s=, architecture s="},
    {"ContainerImage", "names []s, sizeBytes i"},
    {"AttachedVolume", "name s=, devicePath s="},

    /* pods */
    {"Pod", "metadata ObjectMeta=, spec PodSpec=, status PodStatus="},
    {"PodSpec",
     "volumes []Volume@name, initContainers []Container@name, containers []Container=@name, "
     "ephemeralContainers []EphemeralContainer@name, restartPolicy s, "
     "terminationGracePeriodSeconds i*, activeDeadlineSeconds i*, dnsPolicy s, "
     "nodeSelector {}s, serviceAccountName s, serviceAccount s, "
     "automountServiceAccountToken b*, nodeName s, hostNetwork b, hostPID b, hostIPC b, "
     "shareProcessNamespace b*, securityContext PodSecurityContext*, "
     "imagePullSecrets []LocalObjectReference@name, hostname s, subdomain s, "
     "affinity Affinity*, schedulerName s, tolerations []Toleration, "
     "hostAliases []HostAlias@ip, priorityClassName s, priority i*, dnsConfig PodDNSConfig*, "
     "readinessGates []PodReadinessGate, runtimeClassName s*, enableServiceLinks b*, "
     "preemptionPolicy s*, overhead {}q, "
     "topologySpreadConstraints []TopologySpreadConstraint@topologyKey, "
     "setHostnameAsFQDN b*, os PodOS*, hostUsers b*, schedulingGates []PodSchedulingGate@name, "
     "resourceClaims []PodResourceClaim@name, resources ResourceRequirements*, "
     "hostnameOverride s*"},
    {"Container", CONTAINER_FIELDS},
    {"EphemeralContainer", CONTAINER_FIELDS ", targetContainerName s"},
    {"ContainerPort", "name s, hostPort i, containerPort i=, protocol s, hostIP s"},
    {"ContainerResizePolicy", "resourceName s=, restartPolicy s="},
    {"EnvFromSource", "prefix s, configMapRef OptionalReference*, secretRef OptionalReference*"},
    {"OptionalReference", "name s, optional b*"},
    {"LocalObjectReference", "name s"},
    {"EnvVar", "name s=, value s, valueFrom EnvVarSource*"},
    {"EnvVarSource", "fieldRef ObjectFieldSelector*, resourceFieldRef ResourceFieldSelector*, "
		     "configMapKeyRef KeySelector*, secretKeyRef KeySelector*"},
    {"ObjectFieldSelector", "apiVersion s, fieldPath s="},
    {"ResourceFieldSelector", "containerName s, resource s=, divisor q="},
    {"KeySelector", "name s, key s=, optional b*"},
    {"ResourceRequirements", "limits {}q, requests {}q, claims []ResourceClaim"},
    {"ResourceClaim", "name s=, request s"},
    {"VolumeMount", "name s=, readOnly b, recursiveReadOnly s*, mountPath s=, subPath s, "
		    "mountPropagation s*, subPathExpr s"},
    {"VolumeDevice", "name s=, devicePath s="},
    {"Probe",
     "exec ExecAction*, httpGet HTTPGetAction*, tcpSocket TCPSocketAction*, grpc GRPCAction*, "
     "initialDelaySeconds i, timeoutSeconds i, periodSeconds i, successThreshold i, "
     "failureThreshold i, terminationGracePeriodSeconds i*"},
    {"ExecAction", "command []s"},
    {"HTTPGetAction", "path s, port v=, host s, scheme s, httpHeaders []HTTPHeader"},
    {"HTTPHeader", "name s=, value s="},
    {"TCPSocketAction", "port v=, host s"},
    {"GRPCAction", "port i=, service s="},
    {"SleepAction", "seconds i="},
    {"Lifecycle", "postStart LifecycleHandler*, preStop LifecycleHandler*, stopSignal s*"},
    {"LifecycleHandler", "exec ExecAction*, httpGet HTTPGetAction*, tcpSocket TCPSocketAction*, "
			 "sleep SleepAction*"},
    {"SecurityContext",
     "capabilities Capabilities*, privileged b*, seLinuxOptions SELinuxOptions*, "
     "windowsOptions WindowsOptions*, runAsUser i*, runAsGroup i*, runAsNonRoot b*, "
     "readOnlyRootFilesystem b*, allowPrivilegeEscalation b*, procMount s*, "
     "seccompProfile SeccompProfile*, appArmorProfile SeccompProfile*"},
    {"Capabilities", "add []s, drop []s"},
    {"SELinuxOptions", "user s, role s, type s, level s"},
    {"WindowsOptions", "gmsaCredentialSpecName s*, gmsaCredentialSpec s*, runAsUserName s*, "
		       "hostProcess b*"},
    {"SeccompProfile", "type s=, localhostProfile s*"},
    {"PodSecurityContext",
     "seLinuxOptions SELinuxOptions*, windowsOptions WindowsOptions*, runAsUser i*, "
     "runAsGroup i*, runAsNonRoot b*, supplementalGroups []i, supplementalGroupsPolicy s*, "
     "fsGroup i*, sysctls []Sysctl, fsGroupChangePolicy s*, seccompProfile SeccompProfile*, "
     "appArmorProfile SeccompProfile*, seLinuxChangePolicy s*"},
    {"Sysctl", "name s=, value s="},
    {"Volume",
     "name s=, hostPath HostPathVolumeSource*, emptyDir EmptyDirVolumeSource*, "
     "gcePersistentDisk r*, awsElasticBlockStore r*, gitRepo r*, secret SecretVolumeSource*, "
     "nfs NFSVolumeSource*, iscsi r*, glusterfs r*, "
     "persistentVolumeClaim ClaimVolumeSource*, rbd r*, flexVolume r*, cinder r*, cephfs r*, "
     "flocker r*, downwardAPI DownwardAPIVolumeSource*, fc r*, azureFile r*, "
     "configMap ConfigMapVolumeSource*, vsphereVolume r*, quobyte r*, azureDisk r*, "
     "photonPersistentDisk r*, projected ProjectedVolumeSource*, portworxVolume r*, "
     "scaleIO r*, storageos r*, csi CSIVolumeSource*, ephemeral r*, image ImageVolumeSource*"},
    {"HostPathVolumeSource", "path s=, type s*"},
    {"EmptyDirVolumeSource", "medium s, sizeLimit q*"},
    {"SecretVolumeSource", "secretName s, items []KeyToPath, defaultMode i*, optional b*"},
    {"ConfigMapVolumeSource", OBJECT_SOURCE},
    {"KeyToPath", "key s=, path s=, mode i*"},
    {"NFSVolumeSource", "server s=, path s=, readOnly b"},
    {"ClaimVolumeSource", "claimName s=, readOnly b"},
    {"ImageVolumeSource", "reference s, pullPolicy s"},
    {"DownwardAPIVolumeSource", "items []DownwardAPIVolumeFile, defaultMode i*"},
    {"DownwardAPIVolumeFile", "path s=, fieldRef ObjectFieldSelector*, "
			      "resourceFieldRef ResourceFieldSelector*, mode i*"},
    {"ProjectedVolumeSource", "sources []VolumeProjection=, defaultMode i*"},
    {"VolumeProjection",
     "secret ObjectProjection*, downwardAPI DownwardAPIProjection*, "
     "configMap ObjectProjection*, serviceAccountToken ServiceAccountTokenProjection*, "
     "clusterTrustBundle r*, podCertificate r*"},
    {"ObjectProjection", "name s, items []KeyToPath, optional b*"},
    {"DownwardAPIProjection", "items []DownwardAPIVolumeFile"},
    {"ServiceAccountTokenProjection", "audience s, expirationSeconds i*, path s="},
    {"CSIVolumeSource", "driver s=, readOnly b*, fsType s*, volumeAttributes {}s, "
			"nodePublishSecretRef LocalObjectReference*"},
    {"Affinity",
     "nodeAffinity NodeAffinity*, podAffinity PodAffinity*, podAntiAffinity PodAffinity*"},
    {"NodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution NodeSelector*, "
		     "preferredDuringSchedulingIgnoredDuringExecution []PreferredTerm"},
    {"NodeSelector", "nodeSelectorTerms []NodeSelectorTerm="},
    {"NodeSelectorTerm",
     "matchExpressions []LabelSelectorRequirement, matchFields []LabelSelectorRequirement"},
    {"PreferredTerm", "weight i=, preference NodeSelectorTerm="},
    {"PodAffinity", "requiredDuringSchedulingIgnoredDuringExecution []PodAffinityTerm, "
		    "preferredDuringSchedulingIgnoredDuringExecution []WeightedTerm"},
    {"PodAffinityTerm",
     "labelSelector LabelSelector*, namespaces []s, topologyKey s=, "
     "namespaceSelector LabelSelector*, matchLabelKeys []s, mismatchLabelKeys []s"},
    {"WeightedTerm", "weight i=, podAffinityTerm PodAffinityTerm="},
    {"Toleration", "key s, operator s, value s, effect s, tolerationSeconds i*"},
    {"HostAlias", "ip s=, hostnames []s"},
    {"PodDNSConfig", "nameservers []s, searches []s, options []PodDNSConfigOption"},
    {"PodDNSConfigOption", "name s, value s*"},
    {"PodReadinessGate", "conditionType s="},
    {"TopologySpreadConstraint",
     "maxSkew i=, topologyKey s=, whenUnsatisfiable s=, labelSelector LabelSelector*, "
     "minDomains i*, nodeAffinityPolicy s*, nodeTaintsPolicy s*, matchLabelKeys []s"},
    {"PodOS", "name s="},
    {"PodSchedulingGate", "name s="},
    {"PodResourceClaim", "name s=, source r, resourceClaimName s*, resourceClaimTemplateName s*"},
    {"PodStatus",
     "observedGeneration i, phase s, conditions []PodCondition@type, message s, reason s, "
     "nominatedNodeName s, hostIP s, hostIPs []IPAddress, podIP s, podIPs []IPAddress@ip, "
     "startTime t*, initContainerStatuses []ContainerStatus, "
     "containerStatuses []ContainerStatus, qosClass s, "
     "ephemeralContainerStatuses []ContainerStatus, resize s, resourceClaimStatuses []r, "
     "allocatedResources {}q, resources ResourceRequirements*"},
    {"PodCondition", "type s=, observedGeneration i, status s=, lastProbeTime t=, "
		     "lastTransitionTime t=, reason s, message s"},
    {"IPAddress", "ip s"},
    {"ContainerStatus",
     "name s=, state ContainerState=, lastState ContainerState=, ready b=, restartCount i=, "
     "image s=, imageID s=, containerID s, started b*, allocatedResources {}q, "
     "resources ResourceRequirements*, volumeMounts []r, user r*, "
     "allocatedResourcesStatus []r, stopSignal s*"},
    {"ContainerState", "waiting ContainerStateWaiting*, running ContainerStateRunning*, "
		       "terminated ContainerStateTerminated*"},
    {"ContainerStateWaiting", "reason s, message s"},
    {"ContainerStateRunning", "startedAt t="},
    {"ContainerStateTerminated", "exitCode i=, signal i, reason s, message s, startedAt t=, "
				 "finishedAt t=, containerID s"},
    {0},
};
