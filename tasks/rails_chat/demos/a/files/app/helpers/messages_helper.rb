module MessagesHelper
  INLINE = /(`[^`\n]+`|\*\*[^*\n]+\*\*)/

  # **bold** and `code` become elements; everything else is escaped text.
  def message_prose(text)
    safe_join(text.split(INLINE).map do |piece|
      case piece
      when /\A`(.+)`\z/ then tag.code(Regexp.last_match(1), class: "inline-code")
      when /\A\*\*(.+)\*\*\z/ then tag.strong(Regexp.last_match(1))
      else piece
      end
    end)
  end

  def model_name = RubyLLM.config.default_model.split("/").last
end
