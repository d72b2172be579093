// Words for the result of a suggestion's simulation. See proof_words.h.
#include "report/proof/proof_words.h"

#include <tuple>

#include "report/words/format.h"

namespace oomcast::report {
namespace {

std::string bare_value(const SearchedValue& search, int64_t value) {
  return search.bytes ? size_word(value) : count_text(value);
}

std::string waits_text(const Proof& proof) {
  const Nanoseconds before = proof.before.stalled, after = proof.after.stalled;
  if (before == after) return "";
  return "waits " + duration_text(after) + " instead of " + duration_text(before);
}

std::string moved_text(const char* what, int64_t before, int64_t after) {
  constexpr int64_t kNoise = 256;  // pages
  if (after <= before + kNoise) return "";
  return count_text(after) + " " + what + (before > 0 ? " instead of " + count_text(before) : "");
}

}  // namespace

std::string found_words(const SearchedValue& search, int64_t value, const Proof& proof) {
  std::string text = value_word(search, value) + " (";
  if (search.bytes && !search.largest)
    text += bytes_text(Bytes(value - search.now)) + " more than now";
  else
    text += (search.largest ? "no limit now" : "now " + bare_value(search, search.now));
  if (proof.smallest && *proof.smallest != value) text += "; " + bare_value(search, *proof.smallest) + " would just do";
  if (proof.below && *proof.below != search.now && proof.verdict_below)
    text += "; " + bare_value(search, *proof.below) + (search.largest ? " is too much: " : " is not enough: ") +
            sim::verdict_name(*proof.verdict_below);
  return text + ")";
}

std::string proof_text(const Try& suggestion) {
  if (!suggestion.proven || !suggestion.proof) return "not simulated";
  const Proof& proof = *suggestion.proof;
  std::vector<std::string> parts;
  const std::string verdict = suggestion.verdict_after ? sim::verdict_name(*suggestion.verdict_after) : "no forecast";
  parts.push_back(*suggestion.proven ? "proven: " + verdict : "simulated: does not help, " + verdict);
  for (const std::string& part :
       {waits_text(proof), moved_text("pages swapped in", proof.before.pswpin, proof.after.pswpin),
        moved_text("file pages read again", proof.before.refault_file, proof.after.refault_file)})
    if (!part.empty()) parts.push_back(part);
  if (proof.held_back.count() > 0) parts.push_back("holds back " + bytes_text(proof.held_back));
  if (!proof.dies.empty()) parts.push_back(list_text(proof.dies, 2) + (proof.dies.size() > 1 ? " die" : " dies"));
  if (!proof.extrapolated.empty()) parts.emplace_back("extrapolated");
  return joined_text(parts, "; ");
}

const Try* least_proven(const Findings& findings) {
  const Try* best = nullptr;
  const auto rank = [](const Try& t) {
    const int64_t size =
        t.remedy.search && t.remedy.search->bytes && t.proof->smallest ? *t.proof->smallest - t.remedy.search->now : 0;
    return std::tuple(!t.proof->dies.empty(),
                      t.verdict_after.value_or(sim::Verdict::kOomKill) > sim::Verdict::kDirectReclaim,
                      t.proof->after.pswpout > t.proof->before.pswpout, size, t.proof->held_back);
  };
  for (const Finding& finding : findings) {
    for (const Try& suggestion : finding.tries)
      if (suggestion.proven.value_or(false) && suggestion.proof && (!best || rank(suggestion) < rank(*best)))
        best = &suggestion;
    if (best) return best;  // from the worst finding that has a proven suggestion
  }
  return best;
}

}  // namespace oomcast::report
