// Sites name the functions of an interpreted program: those of Python, not of its interpreter.
#include <gmock/gmock.h>

#include <fstream>
#include <string>

#include "tests/end_to_end/oomcast_run.h"

namespace oomcast::end_to_end {
namespace {

using testing::HasSubstr;

class LanguageFrames : public EndToEnd {
 protected:
  /// The stacks of all sites, each as one line, with what they touched in MiB.
  std::vector<std::pair<double, std::string>> sites() {
    std::vector<std::pair<double, std::string>> out;
    const Json json = report();
    for (const Json& site : json["sites"]) {
      std::string line;
      for (const Json& frame : site["stack"]) line += frame.get<std::string>() + " < ";
      out.emplace_back(site["touched_bytes"].get<double>() / (1 << 20), line);
    }
    return out;
  }
};

constexpr const char* kProgram = R"(import sys
def make_blob(mib):
    one = 1 << 20
    return bytearray(
        mib * one)
class Store:
    def load(self, n):
        self.rows = [
            bytes(4000) for i in range(n)]
def nested(depth):
    if depth: return nested(depth - 1)
    return make_blob(24)
def main():
    store = Store()
    store.load(5000)
    blob, deep = make_blob(40), nested(200)
    print(len(blob), len(deep), len(store.rows))
main()
)";

TEST_F(LanguageFrames, ArePythonsFunctionsFilesAndLines) {
  std::ofstream(at("app.py")) << kProgram;
  const Finished finished = run("python3 app.py", "--quiet");
  EXPECT_EQ(finished.out, "41943040 25165824 5000\n");
  double blob = 0, deep = 0, rows = 0;
  for (const auto& [mib, stack] : sites()) {
    if (stack.find("make_blob at " + at("app.py").string() + ":4") != std::string::npos ||
        stack.find("make_blob at app.py:4") != std::string::npos)
      (stack.find("nested at") != std::string::npos ? deep : blob) += mib;
    if (stack.find("Store.load") != std::string::npos) rows += mib;
    if (stack.find("make_blob at") != std::string::npos) {
      EXPECT_THAT(stack, testing::Not(HasSubstr("_PyEval_EvalFrameDefault")))
          << "the interpreter's own frames stand for those of the program";
    }
  }
  EXPECT_NEAR(blob, 40, 3) << "a window of up to 2 MiB may belong to its neighbour, and small objects are sampled";
  EXPECT_NEAR(deep, 24, 3);
  EXPECT_NEAR(rows, 19.5, 4) << "small objects: one in 64 KiB is sampled";
}

TEST_F(LanguageFrames, AreOfThePythonThreadThatAsked) {
  std::ofstream(at("app.py")) << "import threading, zlib\n"
                                 "def worker(n):\n"
                                 "    kept.append(bytearray(n << 20))\n"
                                 "kept = []\n"
                                 "threads = [threading.Thread(target=worker, args=(20,)) for i in range(3)]\n"
                                 "[t.start() for t in threads]\n"
                                 "[t.join() for t in threads]\n"
                                 "print(len(kept))\n";
  EXPECT_EQ(run("python3 app.py", "--quiet").out, "3\n");
  double of_workers = 0;
  for (const auto& [mib, stack] : sites())
    if (stack.find("worker at") != std::string::npos && stack.find("Thread.run at") != std::string::npos)
      of_workers += mib;
  EXPECT_NEAR(of_workers, 60, 2) << report()["sites"].dump(1);
}

}  // namespace
}  // namespace oomcast::end_to_end
