class Ask
  def call(stored, text)
    folded = stored.inject(RubyLLM.chat) do |so_far, turn|
      so_far.add_message(role: turn.role, content: turn.content)
      so_far
    end
    folded.ask(text).content
  end

  def title(stored)
    stored.each_with_object(RubyLLM.chat) { |turn, so_far| so_far.add_turn(turn) }
  end
end
