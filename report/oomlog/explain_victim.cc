// Says why the kernel chose this victim, and which process would have been next.
#include <algorithm>

#include "report/oomlog/explain.h"
#include "report/oomlog/facts.h"
#include "report/oomlog/words.h"

namespace oomcast::oomlog {
namespace {

std::string score_text(const Score& score, const Scores& scores) {
  const TaskRow& task = *score.task;
  std::string text = report::points_text(score.points) + ": " + report::count_text(task.rss) + " resident";
  if (task.swap_entries > 0) text += " + " + report::count_text(task.swap_entries) + " swapped";
  text += " + " + report::count_text(task.table_pages) + " of page tables";
  if (task.oom_score_adj != 0) {
    text += ", oom_score_adj " + std::to_string(task.oom_score_adj);
    if (scores.total_pages) text += " is " + report::count_text(task.oom_score_adj * (*scores.total_pages / 1000));
  }
  return text;
}

const Score* score_of(const Scores& scores, int pid) {
  for (const Score& score : scores.most_first)
    if (score.task->pid == pid) return &score;
  return nullptr;
}

void add_size(const Killed& killed, const TaskRow* row, int64_t page_kb, std::vector<std::string>& out) {
  if (!killed.anon_rss_kb) return;
  std::string text =
      "It held " + kb_text(killed.rss_kb()) + ": " + kb_text(*killed.anon_rss_kb) + " of its own (anonymous)";
  if (killed.file_rss_kb) text += ", " + kb_text(*killed.file_rss_kb) + " of files";
  if (killed.shmem_rss_kb) text += ", " + kb_text(*killed.shmem_rss_kb) + " shared";
  if (killed.tables_kb) text += "; " + kb_text(*killed.tables_kb) + " of page tables";
  if (row && row->swap_entries > 0) text += "; " + kb_text(row->swap_entries * page_kb) + " more in swap";
  out.push_back(text + ".");
}

/// Kernels before 5.1 kill a child of the task that they choose.
bool killed_a_child(const OomReport& report) { return report.chosen && report.chosen->pid != report.killed->pid; }

/// Why the victim is not the task with the most points.
std::string why_not_the_first(const OomReport& report, const Score& first) {
  const std::string most =
      task_text(first.task->pid, first.task->comm) + " had more points (" + report::count_text(first.points) + ")";
  if (report.allocating_task || killed_a_child(report)) return most + ".";
  return most +
         " in the table; the kernel may not kill what shares memory with init, is dying or could not use the nodes in "
         "question, and rounds counts of the table.";
}

void add_next(const OomReport& report, const Scores& scores, std::vector<std::string>& out) {
  int shown = 0;
  for (const Score& score : scores.most_first) {
    if (report.killed && score.task->pid == report.killed->pid) continue;
    if (std::any_of(report.also_killed.begin(), report.also_killed.end(),
                    [&](const Killed& killed) { return killed.pid == score.task->pid; }))
      continue;
    out.push_back((shown == 0 ? "Next would be " : "Then ") + task_text(score.task->pid, score.task->comm) + ", " +
                  score_text(score, scores) + ".");
    if (++shown == 3) break;
  }
  if (scores.unkillable > 0)
    out.push_back(std::to_string(scores.unkillable) + (scores.unkillable == 1 ? " task was" : " tasks were") +
                  " out of the question (oom_score_adj -1000, or init).");
}

std::string panic_text(const OomReport& report) {
  if (report.panic.find("compulsory") != std::string::npos)
    return "The kernel panicked instead of killing: vm.panic_on_oom is 2.";
  if (report.panic.find("panic_on_oom") != std::string::npos)
    return "The kernel panicked instead of killing: vm.panic_on_oom is 1.";
  return "The kernel panicked: nobody was left to kill.";
}

}  // namespace

Section explain_victim(const OomReport& report) {
  Section section{"victim", "Why this victim", {}};
  std::vector<std::string>& out = section.sentences;
  const Scores scores = scores_of(report);
  if (!report.killed) {
    if (report.no_killable)
      out.push_back(
          "Nobody could be killed: every task was init, a kernel thread, had oom_score_adj -1000 or was being "
          "killed already.");
    if (report.panicked) out.push_back(panic_text(report));
    return section;
  }
  const Killed& killed = *report.killed;
  out.push_back("The kernel killed " + task_text(killed.pid, killed.comm) +
                (killed.oom_score_adj ? ", oom_score_adj " + std::to_string(*killed.oom_score_adj) : "") + ".");
  add_size(killed, report.task(killed.pid), report.page_kb, out);
  if (!report.group_killed.empty())
    out.push_back("With it went " + std::to_string(report.also_killed.size()) + " more of " + report.group_killed +
                  ", which has memory.oom.group set.");
  if (report.allocating_task)
    out.push_back("vm.oom_kill_allocating_task is set: the kernel kills who asks, whatever others hold.");
  if (killed_a_child(report))
    out.push_back("The kernel had chosen " + task_text(report.chosen->pid, report.chosen->comm) +
                  " and killed a child of it instead, as kernels before 5.1 did.");
  if (report.chosen && !report.allocating_task)
    out.push_back("The kernel gave " + task_text(report.chosen->pid, report.chosen->comm) + " a score of " +
                  std::to_string(report.chosen->score) + " of 1000.");
  if (scores.most_first.empty()) return section;
  const Score& first = scores.most_first.front();
  const Score* own = score_of(scores, killed.pid);
  if (own) {
    out.push_back("Its " + score_text(*own, scores) + " (pages).");
    if (own->points >= first.points)
      out.push_back(scores.most_first.size() == 1 ? "It was the only one that could be killed."
                                                  : "Nobody who could be killed had more.");
    const Score* larger = nullptr;
    const auto size = [](const Score& score) {
      return score.task->rss + score.task->swap_entries + score.task->table_pages;
    };
    for (const Score& score : scores.most_first)
      if (size(score) > size(*own) && (!larger || size(score) > size(*larger))) larger = &score;
    if (larger && own->points >= first.points)
      out.push_back("It was not the largest: " + task_text(larger->task->pid, larger->task->comm) + " held " +
                    report::count_text(size(*larger)) + " pages, but oom_score_adj decided.");
  } else if (report.has_task_table) {
    out.push_back("It is not in the table of tasks, so that its points cannot be computed.");
  }
  if (!own || own->points < first.points) out.push_back(why_not_the_first(report, first));
  add_next(report, scores, out);
  if (!scores.caveat.empty()) out.push_back("In these points, " + scores.caveat + ".");
  if (!scores.total_pages && std::any_of(report.tasks.begin(), report.tasks.end(), [](const TaskRow& task) {
        return task.oom_score_adj != 0 && task.oom_score_adj != -1000;
      }))
    out.push_back(
        "What oom_score_adj weighs cannot be computed: the total is not in the log. The points are without it.");
  return section;
}

}  // namespace oomcast::oomlog
