document.title = "Modelwright";
