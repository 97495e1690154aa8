class Reply
  def answer(text) = RubyLLM.chat(model: "anthropic/claude-sonnet-4.5").with_instructions("Be brief.").ask(text).content
end
