// The manifest of a Kubernetes Indexed Job. See kubernetes_job.h.
#include "report/fleet/kubernetes_job.h"

#include <nlohmann/json.hpp>

#include "report/fleet/slurm_array.h"

namespace oomcast::report {
namespace {

/// As a JSON string, which is valid YAML.
std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

std::string kubernetes_manifest(const KubernetesJob& job) {
  const std::string count = std::to_string(job.parts), cpus = std::to_string(job.cpus);
  // Indexes of a job begin at 0, parts at 1. A task whose part is done ends at once.
  const std::string line = "exec " + shell_line(job.words, "$((JOB_COMPLETION_INDEX + 1))");
  return R"(# A sweep in )" + count +
         R"( parts: kubectl apply -f FILE, wait for the job, then 'oomcast sweep ... --merge'.
# A part that was lost is run again by the same manifest: delete the job and apply it anew; what is there is kept.
apiVersion: batch/v1
kind: Job
metadata:
  name: )" +
         quoted(job.name) + R"(
spec:
  completionMode: Indexed
  completions: )" +
         count + R"(
  parallelism: )" +
         count + R"(
  backoffLimit: )" +
         std::to_string(job.parts + 6) + R"(
  podFailurePolicy:
    rules:
      # Bad input: no other try would do better.
      - action: FailJob
        onExitCodes:
          containerName: sweep
          operator: In
          values: [2]
      # A node that was drained is no failure of the part.
      - action: Ignore
        onPodConditions:
          - type: DisruptionTarget
            status: "True"
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: sweep
          image: )" +
         quoted(job.image) + R"(
          workingDir: )" +
         quoted(job.working_directory) + R"(
          command: ["/bin/sh", "-c"]
          args:
            - )" +
         quoted(line) + R"(
          resources:
            requests:
              cpu: ")" +
         cpus + R"("
              memory: 512Mi   # more for recordings of much memory
          volumeMounts:
            - name: sweep
              mountPath: )" +
         quoted(job.working_directory) + R"(
      volumes:
        # Holds the traces, the hosts and the folder of the parts; all tasks write to it (ReadWriteMany).
        - name: sweep
          persistentVolumeClaim:
            claimName: oomcast-sweep
)";
}

}  // namespace oomcast::report
