module RubyLLM
  class Client
    def ask(text) = RubyLLM.chat.ask(text)
  end
end
