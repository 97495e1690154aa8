class Ask
  def call(text) = chat.ask(text).content
  def chat = @chat ||= RubyLLM.chat
end
