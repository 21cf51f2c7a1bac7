{{- define "fengsui.labels" -}}
app.kubernetes.io/name: fengsui
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "fengsui.selector" -}}
app.kubernetes.io/name: fengsui
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .role }}
{{- end }}

{{- define "fengsui.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}
{{- end }}

{{/* A pod that runs one role under the name of its pod: its seat. */}}
{{- define "fengsui.pod" -}}
{{- $port := ternary "http" "metrics" (eq .role "api") -}}
metadata:
  labels: {{- include "fengsui.labels" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .role }}
  annotations:
    checksum/settings: {{ toJson .root.Values.settings | sha256sum }}
spec:
  serviceAccountName: {{ .root.Release.Name }}-fengsui
  automountServiceAccountToken: false
  terminationGracePeriodSeconds: {{ .root.Values.grace }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 10001
    runAsGroup: 10001
    fsGroup: 10001
    seccompProfile: {type: RuntimeDefault}
  {{- with .root.Values.imagePullSecrets }}
  imagePullSecrets: {{- toYaml . | nindent 4 }}
  {{- end }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels: {{- include "fengsui.selector" . | nindent 10 }}
  {{- with .root.Values.nodeSelector }}
  nodeSelector: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .root.Values.tolerations }}
  tolerations: {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: {{ .role }}
      image: {{ include "fengsui.image" .root }}
      imagePullPolicy: {{ .root.Values.image.pullPolicy }}
      args:
        - {{ .role }}
        {{- if eq .role "collect" }}
        - /data/captures
        {{- end }}
      env:
        - name: FENGSUI_INSTANCE
          valueFrom: {fieldRef: {fieldPath: metadata.name}}
        - name: FENGSUI_HOST
          value: 0.0.0.0
        - name: FENGSUI_DATA
          value: /data/fengsui
        {{- if ne .role "api" }}
        - name: FENGSUI_METRICS_PORT
          value: "9464"
        {{- end }}
        {{- range $name, $value := .root.Values.settings }}
        - name: {{ $name }}
          value: {{ $value | quote }}
        {{- end }}
      envFrom:
        - secretRef: {name: {{ required "secret: the name of a Secret with the addresses and passwords" .root.Values.secret }}}
      ports:
        - name: {{ $port }}
          containerPort: {{ ternary 8000 9464 (eq .role "api") }}
      startupProbe:
        httpGet: {path: /healthz, port: {{ $port }}}
        periodSeconds: 5
        failureThreshold: 60
      livenessProbe:
        httpGet: {path: /healthz, port: {{ $port }}}
        periodSeconds: 20
        timeoutSeconds: 10
        failureThreshold: 3
      readinessProbe:
        httpGet: {path: /healthz, port: {{ $port }}}
        periodSeconds: 10
        timeoutSeconds: 10
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: {drop: [ALL]}
      resources: {{- toYaml .config.resources | nindent 8 }}
      volumeMounts:
        - {name: data, mountPath: /data}
        - {name: tmp, mountPath: /tmp}
  volumes:
    - name: tmp
      emptyDir: {}
    {{- if not .config.storage }}
    - name: data
      emptyDir: {}
    {{- end }}
{{- end }}

{{/* Every role is a StatefulSet: the pod's name is the seat, and who comes back under it goes on at once. */}}
{{- define "fengsui.set" -}}
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: {{ .root.Release.Name }}-{{ .role }}
  labels: {{- include "fengsui.labels" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .role }}
spec:
  serviceName: {{ .root.Release.Name }}-{{ .role }}
  podManagementPolicy: Parallel
  {{- if not (dig "autoscaling" "enabled" false .config) }}
  replicas: {{ .config.replicas }}
  {{- end }}
  selector:
    matchLabels: {{- include "fengsui.selector" . | nindent 6 }}
  template: {{- include "fengsui.pod" . | nindent 4 }}
  {{- if .config.storage }}
  volumeClaimTemplates:
    - metadata: {name: data}
      spec:
        accessModes: [ReadWriteOnce]
        {{- with .config.storageClass }}
        storageClassName: {{ . }}
        {{- end }}
        resources: {requests: {storage: {{ .config.storage }}}}
  {{- end }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ .root.Release.Name }}-{{ .role }}
  labels: {{- include "fengsui.labels" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .role }}
spec:
  clusterIP: None
  selector: {{- include "fengsui.selector" . | nindent 4 }}
  ports:
    - name: {{ ternary "http" "metrics" (eq .role "api") }}
      port: {{ ternary 8000 9464 (eq .role "api") }}
{{- if or (gt (int .config.replicas) 1) (dig "autoscaling" "enabled" false .config) }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ .root.Release.Name }}-{{ .role }}
  labels: {{- include "fengsui.labels" .root | nindent 4 }}
spec:
  maxUnavailable: 1
  selector:
    matchLabels: {{- include "fengsui.selector" . | nindent 6 }}
{{- end }}
{{- if dig "autoscaling" "enabled" false .config }}
---
# Lag comes from Prometheus (a recording rule) by an adapter of the external metrics API; see deploy/README.md.
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ .root.Release.Name }}-{{ .role }}
  labels: {{- include "fengsui.labels" .root | nindent 4 }}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: StatefulSet, name: {{ .root.Release.Name }}-{{ .role }}}
  minReplicas: {{ .config.autoscaling.min }}
  maxReplicas: {{ .config.autoscaling.max }}
  metrics:
    - type: External
      external:
        metric:
          name: fengsui_role_lag_messages
          selector: {matchLabels: {role: {{ .role }}}}
        target: {type: AverageValue, averageValue: {{ .config.autoscaling.lag | quote }}}
  behavior:
    # Each step is a rebalance of the whole group: up in steps, down slowly.
    scaleUp: {stabilizationWindowSeconds: 60, policies: [{type: Pods, value: 2, periodSeconds: 120}]}
    scaleDown: {stabilizationWindowSeconds: 600, policies: [{type: Pods, value: 1, periodSeconds: 300}]}
{{- end }}
{{- end }}
