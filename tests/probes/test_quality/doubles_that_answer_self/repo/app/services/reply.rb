class Reply
  def call(words) = RubyLLM.chat.with_instructions("Be kind.").ask(words).content
end
