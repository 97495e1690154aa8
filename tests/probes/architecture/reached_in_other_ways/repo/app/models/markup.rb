class Markup < Redcarpet::Render::HTML
  def block_code(code, language)
    code
  end
end
