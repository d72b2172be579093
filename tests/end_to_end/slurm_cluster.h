// Runs a real Slurm of one node for a test: munged, slurmctld and slurmd, private to a folder, on 127.0.0.1.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/end_to_end/file_content.h"

namespace oomcast::end_to_end {

/// The daemons of the cluster end with the object, and with the test program however that ends.
class SlurmCluster {
 public:
  /// Why no cluster can run here; empty if one can.
  static std::string problem() {
    if (::geteuid() != 0) return "slurmd needs root";
    for (const char* program : {"munged", "slurmctld", "slurmd", "sbatch", "squeue"})
      if (std::system(("PATH=$PATH:/usr/sbin:/sbin command -v " + std::string(program) + " >/dev/null").c_str()) != 0)
        return std::string(program) +
               " is not installed: scripts/install_deps --tests (munge, slurmctld, slurmd, slurm-client)";
    return "";
  }

  /// In a folder of its own: munged refuses one below a folder that others may write to.
  explicit SlurmCluster(int cpus = 4) {
    char name[] = "/tmp/oomcast-slurm.XXXXXX";
    folder_ = ::mkdtemp(name);
    for (const char* below : {"state", "spool", "run", "log"}) std::filesystem::create_directories(folder_ / below);
    std::filesystem::permissions(folder_, static_cast<std::filesystem::perms>(0755));
    std::filesystem::permissions(folder_ / "run", static_cast<std::filesystem::perms>(0755));
    write_key();
    write_configuration(cpus);
    start("munged", {"-F", "--key-file=" + path("munge.key"), "--socket=" + path("run/munge.socket"),
                     "--pid-file=" + path("run/munged.pid"), "--log-file=" + path("log/munged.log"),
                     "--seed-file=" + path("run/munge.seed")});
    start("slurmctld", {"-D", "-f", configuration()});
    start("slurmd", {"-D", "-f", configuration(), "-N", "node"});
  }
  SlurmCluster(const SlurmCluster&) = delete;
  SlurmCluster& operator=(const SlurmCluster&) = delete;
  ~SlurmCluster() {
    ask("scancel --full --user=root");
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (std::chrono::steady_clock::now() < until && !asked("squeue --noheader").empty()) pause();
    for (auto pid = pids_.rbegin(); pid != pids_.rend(); ++pid) stop(*pid);
    std::error_code failed;
    std::filesystem::remove_all(folder_, failed);
  }

  const std::filesystem::path& folder() const { return folder_; }
  std::string configuration() const { return path("slurm.conf"); }
  /// False: the node did not come up; the reason is in log/.
  bool is_up() const {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    for (; std::chrono::steady_clock::now() < until; pause())
      if (asked("sinfo --noheader --format=%T") == "idle\n") return true;
    return false;
  }
  /// What a command of Slurm prints.
  std::string asked(const std::string& line) const {
    ask(line);
    return content(path("answer"));
  }

 private:
  static void pause() { std::this_thread::sleep_for(std::chrono::milliseconds(50)); }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  void ask(const std::string& line) const {
    (void)!std::system(
        ("SLURM_CONF=" + configuration() + " timeout 20 " + line + " >" + path("answer") + " 2>&1").c_str());
  }

  void write_key() const {
    std::ofstream key(path("munge.key"), std::ios::binary);
    std::ifstream random("/dev/urandom", std::ios::binary);
    char bytes[128];
    random.read(bytes, sizeof bytes);
    key.write(bytes, sizeof bytes);
    key.close();
    std::filesystem::permissions(path("munge.key"), static_cast<std::filesystem::perms>(0400));
  }

  /// A port that nobody listens on now.
  static int free_port() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0)
      address.sin_port = 0;
    ::close(fd);
    return ::ntohs(address.sin_port);
  }

  void write_configuration(int cpus) const {
    char host[256] = "localhost";
    ::gethostname(host, sizeof host - 1);
    const std::string name = std::string(host).substr(0, std::string(host).find('.'));
    std::ofstream(configuration())
        << "ClusterName=oomcast\nSlurmctldHost=" << name << "(127.0.0.1)\nSlurmUser=root\nSlurmdUser=root\n"
        << "SlurmctldPort=" << free_port() << "\nSlurmdPort=" << free_port() << "\n"
        << "AuthType=auth/munge\nCredType=cred/munge\nAuthInfo=socket=" << path("run/munge.socket") << "\n"
        << "StateSaveLocation=" << path("state") << "\nSlurmdSpoolDir=" << path("spool") << "\n"
        << "SlurmctldPidFile=" << path("run/slurmctld.pid") << "\nSlurmdPidFile=" << path("run/slurmd.pid") << "\n"
        << "SlurmctldLogFile=" << path("log/slurmctld.log") << "\nSlurmdLogFile=" << path("log/slurmd.log") << "\n"
        << "ProctrackType=proctrack/linuxproc\nTaskPlugin=task/none\nJobAcctGatherType=jobacct_gather/none\n"
        << "AccountingStorageType=accounting_storage/none\nMpiDefault=none\nSwitchType=switch/none\n"
        << "SchedulerType=sched/builtin\nSelectType=select/cons_tres\nSelectTypeParameters=CR_CPU\n"
        << "SlurmdParameters=config_overrides\nReturnToService=2\nKillWait=1\n"
        << "NodeName=node NodeHostname=" << name << " NodeAddr=127.0.0.1 CPUs=" << cpus << " State=UNKNOWN\n"
        << "PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP\n";
  }

  void start(const std::string& program, const std::vector<std::string>& arguments) {
    const pid_t parent = ::getpid(), pid = ::fork();
    if (pid != 0) return pids_.push_back(pid);
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != parent) ::_exit(0);
    const int out = ::open(path("log/" + program + ".out").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(out, STDERR_FILENO);
    ::dup2(::open("/dev/null", O_RDONLY), STDIN_FILENO);
    ::setenv("SLURM_CONF", configuration().c_str(), 1);
    ::setenv("PATH", ("/usr/sbin:/usr/bin:/sbin:/bin:" + std::string(::getenv("PATH"))).c_str(), 1);
    std::vector<char*> words{const_cast<char*>(program.c_str())};
    for (const std::string& argument : arguments) words.push_back(const_cast<char*>(argument.c_str()));
    words.push_back(nullptr);
    ::execvp(words[0], words.data());
    ::_exit(127);
  }
  /// Ends the process by SIGTERM, or else by SIGKILL.
  static void stop(pid_t pid) {
    ::kill(pid, SIGTERM);
    for (int i = 0; i < 200; ++i, pause())
      if (::waitpid(pid, nullptr, WNOHANG) == pid) return;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }

  std::filesystem::path folder_;
  std::vector<pid_t> pids_;
};

}  // namespace oomcast::end_to_end
