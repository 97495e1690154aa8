module RubyLLM
  class Recording
    def content = "recorded"
  end
end
