class Ask
  def call(text) = RubyLLM.chat.brainstorm(text).content
end
