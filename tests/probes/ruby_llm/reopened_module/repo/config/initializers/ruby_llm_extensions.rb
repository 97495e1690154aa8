module RubyLLM
  class << self
    def chat(purpose: nil, **) = Chat.new(**).in_mode(purpose)
  end

  class Chat
    def in_mode(mode, strict: false) = tap { @mode = [mode, strict] }
  end
end
